"""CoinGlass behind the owner's key: liquidation totals over venues, and the flows of the funds.

Of the liquidation totals the service serves windows of 4 h to every paying plan; shorter ones
ask for a dearer one. An empty answer is a wrong name, never a quiet market.
"""

import re
from typing import Final

from bot.domain.errors import SourceFailed
from bot.domain.market import LiquidationSum
from bot.domain.messages import Event
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.observe.readings import ETF_FLOW, ETF_HALF_LIFE_NS
from bot.ports import SourceAnswer
from bot.sources.daily import Layout, days
from bot.sources.rows import (
    CellInvalid,
    Row,
    Table,
    cell,
    decoded,
    from_json,
    instant_ns,
    number,
    short,
)
from bot.sources.told import Look, need

NAME: Final = "coinglass"
KEY_HEADER: Final = "CG-API-KEY"
LONG, SHORT = "aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd"
USD_MAX: Final = 1e12
INTERVALS: Final = {"1h": 3_600, "4h": 14_400, "1d": 86_400}
"""What may be asked for -> the length of its windows, seconds."""
FLOWS: Final = Layout(kind="json", rows_at="data", date_column="timestamp", value_column="flow_usd")
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,20}/USDT:USDT")


def liquidations_path(symbol: str, interval: str, exchanges: str, limit: int) -> str:
    """Return path and query of the liquidation totals of one asset."""
    asset = symbol.split("/", 1)[0]
    return (
        "/api/futures/liquidation/aggregated-history"
        f"?exchange_list={exchanges}&symbol={asset}&interval={interval}&limit={limit}"
    )


FLOWS_PATH: Final = "/api/etf/bitcoin/flow-history"


def liquidations(body: bytes, look: Look, symbol: str, interval: str) -> SourceAnswer:
    """Return the totals of windows that have closed; `time` is where a window began.

    Raises:
        SourceFailed: the answer is a refusal, empty, or not the service's.
    """
    table = _checked(body, look)
    need(table, "time", LONG, SHORT)
    window_s = INTERVALS[interval]
    told: dict[int, LiquidationSum] = {}
    faults = list(table.faults)
    due_ns = 0
    for row in table.rows:
        try:
            end_ns = instant_ns(row, "time") + window_s * NS_PER_S
            sums = number(row, LONG, 0.0, USD_MAX), number(row, SHORT, 0.0, USD_MAX)
        except CellInvalid as error:
            faults.append(f"{table.what}: {row.where}: {error}")
            continue
        if end_ns > look.now_ns:
            due_ns = end_ns
        else:
            told[end_ns] = LiquidationSum(symbol, end_ns, look.now_ns, NAME, window_s, *sums)
    return SourceAnswer(
        events=tuple(told[ns] for ns in sorted(told)), faults=tuple(faults), due_ns=due_ns
    )


def flows(body: bytes, look: Look) -> SourceAnswer:
    """Return the daily net flow of the spot bitcoin funds.

    Raises:
        SourceFailed: as `liquidations`.
    """
    _checked(body, look)
    return days(FLOWS.table(body, look.origin), look, ETF_FLOW, ETF_HALF_LIFE_NS)


def _checked(body: bytes, look: Look) -> Table:
    whole = decoded(body, look.origin)
    if not isinstance(whole, dict) or str(whole.get("code")) != "0":
        told = whole.get("msg", whole) if isinstance(whole, dict) else whole
        raise SourceFailed(f"{look.origin}: refused: {short(told)}; check key and plan")
    table = from_json(body, look.origin, "data")
    if not table.rows:
        raise SourceFailed(f"{look.origin}: no rows: check symbol, exchanges and plan")
    return table


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the totals in coinglass.csv.

    Columns: `time` (where a window began), `symbol`, `window_s`, `long_usd`, `short_usd`.

    Raises:
        SourceFailed: a column is missing.
    """
    need(table, "time", "symbol", "window_s", "long_usd", "short_usd")
    told: list[LiquidationSum] = []
    faults = list(table.faults)
    due_ns = 0
    for row in table.rows:
        try:
            found = _from_row(row, look.now_ns)
        except CellInvalid as error:
            faults.append(f"{table.what}: {row.where}: {error}")
            continue
        if found.event_ns > look.now_ns:
            due_ns = min(due_ns or found.event_ns, found.event_ns)
        else:
            told.append(found)
    told.sort(key=lambda s: (s.event_ns, s.symbol, s.window_s))
    events: tuple[Event, ...] = tuple(told)
    return SourceAnswer(events=events, faults=tuple(faults), due_ns=due_ns)


def _from_row(row: Row, now_ns: int) -> LiquidationSum:
    symbol = cell(row, "symbol")
    if not _SYMBOL.fullmatch(symbol):
        raise CellInvalid(f"symbol was {short(symbol)}, needed one as BTC/USDT:USDT")
    window_s = number(row, "window_s", 60.0, 86_400.0)
    if window_s not in (3_600.0, 14_400.0, 86_400.0):
        raise CellInvalid(f"window_s was {window_s:g}, needed 3600, 14400 or 86400")
    end_ns = instant_ns(row, "time") + int(window_s) * NS_PER_S
    if end_ns > now_ns + 2 * 24 * NS_PER_H:
        raise CellInvalid("time lies in the future")
    longs = number(row, "long_usd", 0.0, USD_MAX)
    return LiquidationSum(
        symbol, end_ns, now_ns, NAME, int(window_s), longs, number(row, "short_usd", 0.0, USD_MAX)
    )
