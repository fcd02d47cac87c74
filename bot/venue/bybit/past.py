"""What happened, read back by request: executions with their results, the ledger, an order."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

from bot.domain.account import IncomeRow
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Fill
from bot.domain.orders import OrderState, PositionSide
from bot.domain.units import NS_PER_DAY, NS_PER_MS, ZERO
from bot.venue import fields
from bot.venue.bybit import parse
from bot.venue.bybit.answers import Questions
from bot.venue.bybit.orders import naming
from bot.venue.caller import Params
from bot.venue.endpoint import Endpoint
from bot.venue.fields import Row
from bot.venue.lanes import Lane
from bot.venue.profiles import bybit

SPAN_NS: Final = bybit.SPAN_DAYS_MAX * NS_PER_DAY - NS_PER_MS


async def read_order(
    ask: Questions, symbol: str, client_order_id: str, lane: Lane
) -> OrderState | None:
    """Ask for one order among the open and the newest, then among the past ones."""
    named = naming(symbol, client_order_id)
    for endpoint in (bybit.OPEN_ORDERS, bybit.PAST_ORDERS):
        rows = await ask.rows(endpoint, named, lane=lane)
        if rows:
            # an id may name several orders over time; the newest is meant
            return max((parse.order(row) for row in rows), key=lambda state: state.event_ns)
    return None


async def read_fills(
    ask: Questions, symbol: str, since_ns: int, now_ns: int, *, hedged: bool
) -> tuple[Fill, ...]:
    """Return the executions of `symbol` since `since_ns`, oldest first.

    The list of executions does not say what each realised; the ledger does, by the same id.

    Raises:
        VenueError: either could not be read or believed.
    """
    name = bybit.contract_of(symbol)
    asked: Params = {
        "category": bybit.CATEGORY, "symbol": name, "limit": bybit.EXECUTIONS_MAX,
    }  # fmt: skip
    traded: dict[str, Row] = {}
    async for row in _through(ask, bybit.EXECUTIONS, asked, since_ns, now_ns):
        if fields.text(row, "execType", "execution").upper() in bybit.TRADE_TYPES:
            traded[fields.text(row, "execId", "execution")] = row
    if not traded:
        return ()
    results = await _results(ask, since_ns, now_ns)
    found = [
        parse.fill(row, _leg(row, hedged=hedged), results.get(number, ZERO), now_ns)
        for number, row in traded.items()
    ]
    return tuple(sorted(found, key=lambda fill: (fill.event_ns, fill.trade_id)))


def _leg(row: Row, *, hedged: bool) -> PositionSide | None:
    if not hedged:
        return None
    side, closing = fields.choice(row, "side", bybit.SIDES, "execution"), parse.closes(row)
    if closing is None:
        raise VenueDataInvalid("execution in hedge mode: closedSize is not told, nor so its leg")
    return parse.leg_of(side, closing=closing)


async def _results(ask: Questions, since_ns: int, now_ns: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    async for row in _through(ask, bybit.LEDGER, _ledger(), since_ns, now_ns):
        if row.get("tradeId"):
            flow = fields.number(row, "cashFlow", "ledger")
            found[str(row["tradeId"])] = flow
    return found


async def read_income(ask: Questions, since_ns: int, now_ns: int) -> tuple[IncomeRow, ...]:
    """Return ledger rows since `since_ns`, oldest first, each once."""
    found: dict[tuple[str, str, str], IncomeRow] = {}
    async for source in _through(ask, bybit.LEDGER, _ledger(), since_ns, now_ns):
        for row in parse.income(source):
            found.setdefault((row.income_id, row.kind, row.symbol), row)
    return tuple(sorted(found.values(), key=lambda row: (row.event_ns, row.income_id)))


def _ledger() -> dict[str, str | int | float]:
    return {"accountType": "UNIFIED", "currency": bybit.SETTLE, "limit": bybit.PAGE_MAX}


async def _through(
    ask: Questions, endpoint: Endpoint, asked: Params, since_ns: int, now_ns: int
) -> AsyncIterator[Row]:
    """Ask window by window: the venue gives seven days at most."""
    start_ns = since_ns
    while True:
        end_ns = min(start_ns + SPAN_NS, now_ns + NS_PER_DAY)
        window = {
            **asked, "startTime": start_ns // NS_PER_MS, "endTime": end_ns // NS_PER_MS,
        }  # fmt: skip
        for row in await ask.rows(endpoint, window):
            yield row
        if end_ns >= now_ns:
            return
        start_ns = end_ns + NS_PER_MS
