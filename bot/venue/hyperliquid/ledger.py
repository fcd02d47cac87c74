"""Executions and ledger rows read back by request: what the private stream may have missed."""

from typing import Final

from bot.domain.account import IncomeRow
from bot.domain.messages import Fill
from bot.domain.units import NS_PER_MS
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.hyperliquid import parse
from bot.venue.hyperliquid.asking import Asker
from bot.venue.hyperliquid.cloid import from_cloid
from bot.venue.lanes import Lane
from bot.venue.profiles import hyperliquid as profile

PAGES_MAX: Final = 20
ORDERS_MAX: Final = 50
"""Distinct orders asked for in one reading; older ones keep their number for an id."""
PAGE_WEIGHT: Final = 60
"""Twenty, and one for each twenty rows."""


async def read_fills(
    asker: Asker, since_ns: int, lane: Lane, now_ns: int, symbol: str = ""
) -> tuple[Fill, ...]:
    """Return executions since `since_ns`, of one symbol or of all, oldest first.

    Raises:
        VenueError: the list or an order could not be read or believed.
    """
    rows = await _fill_rows(asker, since_ns, lane)
    wanted = [row for row in rows if symbol in ("", parse.coin(row, "fill"))]
    names: dict[str, str] = {}
    unnamed = [fields.text(row, "oid", "fill") for row in wanted if "cloid" not in row]
    for oid in list(dict.fromkeys(unnamed))[-ORDERS_MAX:]:
        answer = await asker.ask_mine(
            "orderStatus", lane=lane, endpoint=profile.LIGHT, oid=int(oid)
        )
        state = parse.order_status(fields.row(answer, "orderStatus"))
        if state is not None:
            names[oid] = state.client_order_id
    fills = []
    for row in wanted:
        oid = fields.text(row, "oid", "fill")
        name = names.get(oid) or from_cloid(row.get("cloid"), oid)
        fills.append(parse.fill(row, name, asker.user, now_ns))
    return tuple(sorted(fills, key=lambda fill: (fill.event_ns, fill.trade_id)))


async def _fill_rows(asker: Asker, since_ns: int, lane: Lane) -> list[Row]:
    """Read all pages; a page is full at `FILLS_MAX`, and the next begins where it ended."""
    found: dict[str, Row] = {}
    start_ms = since_ns // NS_PER_MS
    for _ in range(PAGES_MAX):
        answer = await asker.ask_mine(
            "userFillsByTime", lane=lane, weight=PAGE_WEIGHT, startTime=start_ms
        )
        page = [fields.row(item, "fill") for item in fields.rows(answer, "userFillsByTime")]
        before = len(found)
        for row in page:
            if parse.is_ours(row):
                found.setdefault(fields.text(row, "tid", "fill"), row)
        if len(page) < profile.FILLS_MAX or len(found) == before:
            break
        start_ms = max(fields.instant_ns(row, "time", "fill") for row in page) // NS_PER_MS
    return list(found.values())


async def read_income(asker: Asker, since_ns: int, lane: Lane, now_ns: int) -> list[IncomeRow]:
    """Return ledger rows since `since_ns`, oldest first, each once.

    Raises:
        VenueError: a part of it could not be read or believed.
    """
    rows: dict[tuple[str, str], IncomeRow] = {}
    start_ms = since_ns // NS_PER_MS
    for _ in range(PAGES_MAX):
        answer = await asker.ask_mine(
            "userFunding", lane=lane, weight=PAGE_WEIGHT, startTime=start_ms
        )
        page = fields.rows(answer, "userFunding")
        before = len(rows)
        for paid in parse.funding_rows(page):
            rows.setdefault((paid.kind, paid.income_id), paid)
        if len(page) < profile.FUNDINGS_MAX or len(rows) == before:
            break
        start_ms = max(row.event_ns for row in rows.values()) // NS_PER_MS
    moved = await asker.ask_mine(
        "userNonFundingLedgerUpdates", lane=lane, startTime=since_ns // NS_PER_MS
    )
    rows_moved = fields.rows(moved, "userNonFundingLedgerUpdates")
    others = parse.transfer_rows(rows_moved, asker.user)
    fills = [
        parse.fill(row, "", asker.user, now_ns) for row in await _fill_rows(asker, since_ns, lane)
    ]
    for row in (*others, *parse.trade_rows(fills)):
        rows.setdefault((row.kind, row.income_id), row)
    return sorted(rows.values(), key=lambda row: (row.event_ns, row.income_id))
