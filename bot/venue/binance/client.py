"""One account at Binance USD-M as bot.ports.Venue, over ccxt."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from typing_extensions import override

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueRefused,
    VenueUnreachable,
)
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus, PositionSide
from bot.domain.units import NS_PER_MS
from bot.ports import Clock, KeyPermissions
from bot.venue import fields
from bot.venue.acting import Acting, Ties
from bot.venue.binance import parse, parse_market
from bot.venue.binance.account import AccountReader
from bot.venue.binance.fills import read_fills
from bot.venue.binance.orders import naming, placing
from bot.venue.caller import Caller, Params, int_code
from bot.venue.fields import Row
from bot.venue.funding_info import funding_intervals_s
from bot.venue.lanes import Lane
from bot.venue.profiles import binance
from bot.venue.together import together
from bot.venue.wording import plain

PAGES_MAX: Final = 50


class BinanceVenue(Acting):
    """Requests to one account at Binance USD-M."""

    name = binance.NAME

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        ties: Ties,
        *,
        has_sapi: bool,
    ) -> None:
        super().__init__(caller, clock, ties)
        self._has_sapi = has_sapi
        self.reader = AccountReader(caller, clock, self._reading)

    # ------------------------------------------------------------------ contracts

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load filters, fees and margin tiers of `symbols`, afresh."""
        names = [binance.contract_of(symbol) for symbol in symbols]
        info = await self._caller.table(binance.EXCHANGE_INFO, lane=self._reading)
        contracts = _by_name(fields.rows(info.get("symbols"), "exchangeInfo.symbols"))
        missing = [name for name in names if name not in contracts]
        if missing:
            raise VenueRefused(f"the venue has no contract {', '.join(missing)}", code="-1121")
        pages = await self._caller.rows(binance.BRACKETS, lane=self._reading)
        brackets = _by_name(pages)
        fees = await together(
            *(
                self._caller.table(binance.COMMISSION, {"symbol": name}, lane=self._reading)
                for name in names
            )
        )
        loaded = tuple(
            parse_market.instrument(contracts[name], brackets.get(name, {}).get("brackets"), fee)
            for name, fee in zip(names, fees, strict=True)
        )
        self._ties.on_instruments(loaded)
        return loaded

    # ------------------------------------------------------------------ account

    async def account(self) -> AccountState:
        """Read wallet, positions and both order books."""
        return await self.reader.read()

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read ledger rows since `since_ns`, oldest first, each once."""
        found: dict[tuple[str, str, str], IncomeRow] = {}
        for page in range(1, PAGES_MAX + 1):
            rows = await self._caller.rows(
                binance.INCOME,
                {"startTime": since_ns // NS_PER_MS, "limit": binance.INCOME_MAX, "page": page},
                lane=self._reading,
            )
            before = len(found)
            for item in rows:
                row = parse.income(fields.row(item, "income"))
                found.setdefault((row.income_id, row.kind, row.symbol), row)
            if len(rows) < binance.INCOME_MAX or len(found) == before:
                break
        return tuple(sorted(found.values(), key=lambda row: (row.event_ns, row.income_id)))

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        now_ns = self._clock.now_ns()
        return await read_fills(self._caller, symbol, since_ns, self._reading, now_ns)

    async def key_permissions(self) -> KeyPermissions:
        """Read what the API key may do; demo and embedded venues do not say."""
        if not self._has_sapi:
            return KeyPermissions(can_trade=None, can_withdraw=None, ip_restricted=None)
        answer = await self._caller.table(binance.KEY_RIGHTS, lane=self._reading)
        what = "key permissions"
        return KeyPermissions(
            can_trade=fields.flag(answer, "enableFutures", what),
            can_withdraw=fields.flag(answer, "enableWithdrawals", what),
            ip_restricted=fields.flag(answer, "ipRestrict", what),
            can_transfer=fields.flag(answer, "enableInternalTransfer", what)
            or fields.flag(answer, "permitsUniversalTransfer", what),
        )

    # ------------------------------------------------------------------ orders

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order. Raises OutcomeUnknown when it may have been executed.

        When the venue already has this client id, an earlier sending got through: its state is
        the answer.
        """
        self._may_act()
        endpoint, params = placing(order)
        lane = self._lane(protecting=order.protecting)
        try:
            answer = await self._caller.table(endpoint, params, lane=lane)
        except VenueRefused as refused:
            code = int_code(refused)
            if code in binance.DUPLICATE_ID:
                return await self._already_there(order)
            if code == binance.WRONG_POSITION_MODE:
                self._ties.on_settings()
            raise
        try:
            state = parse.algo(answer) if order.kind.is_conditional else parse.order(answer)
        except VenueDataInvalid as nonsense:
            raise OutcomeUnknown(f"sent, but the answer is unreadable: {nonsense}") from None
        self._ties.on_placed(state)
        return state

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        self._may_act()
        endpoint = binance.CANCEL_ALGO if conditional else binance.CANCEL_ORDER
        await self._caller.table(
            endpoint,
            naming(symbol, client_order_id, conditional=conditional),
            lane=self._lane(protecting=protecting),
        )

    @override
    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none.

        A conditional order that fired is told with what its child filled in the plain book.
        """
        endpoint = binance.GET_ALGO if conditional else binance.GET_ORDER
        lane = self._lane(protecting=False)
        try:
            answer = await self._caller.table(
                endpoint, naming(symbol, client_order_id, conditional=conditional), lane=lane
            )
        except VenueRefused as refused:
            if int_code(refused) in binance.NO_SUCH_ORDER:
                return None
            raise
        if not conditional:
            return parse.order(answer)
        return await self._with_child(parse.algo(answer), answer, lane)

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        self._may_act()
        params: dict[str, str | int | float] = {
            "symbol": binance.contract_of(symbol),
            "amount": plain(amount_usd),
            "type": 1,
        }
        if await self.reader.is_hedged():
            params["positionSide"] = side.value
        await self._caller.table(binance.ADD_MARGIN, params, lane=Lane.PROTECT)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage setting of a symbol."""
        self._may_act()
        params: Params = {"symbol": binance.contract_of(symbol), "leverage": leverage}
        try:
            await self._caller.table(binance.SET_LEVERAGE, params, lane=Lane.ORDER)
        finally:
            self._ties.on_settings()

    # ------------------------------------------------------------------ market

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        interval = await self._bars_of(binance.INTERVALS, timeframe_s)
        found: list[Candle] = []
        start_ms = since_ns // NS_PER_MS
        while len(found) < limit:
            asked = min(limit - len(found), binance.KLINES_MAX)
            rows = await self._caller.rows(
                binance.KLINES,
                {
                    "symbol": binance.contract_of(symbol),
                    "interval": interval,
                    "startTime": start_ms,
                    "limit": asked,
                },
                lane=self._reading,
                weight=_klines_weight(asked),
            )
            bars = parse_market.candles(
                rows,
                symbol,
                timeframe_s,
                venue_now_ns=self._caller.venue_now_ns(),
                received_ns=self._clock.now_ns(),
            )
            found.extend(bars)
            if len(rows) < asked or len(bars) < len(rows):
                break
            start_ms = bars[-1].event_ns // NS_PER_MS
        return tuple(found)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest in coins."""
        answer = await self._caller.table(
            binance.OPEN_INTEREST, {"symbol": binance.contract_of(symbol)}, lane=self._reading
        )
        return parse_market.open_interest(answer, symbol, self._clock.now_ns())

    async def funding_intervals_s(self) -> dict[str, int]:
        """Read the funding intervals that differ from the default, by contract id."""
        rows = await self._caller.rows(binance.FUNDING_INFO, lane=self._reading)
        return funding_intervals_s(rows)

    # ------------------------------------------------------------------ inside

    async def _with_child(self, parent: OrderState, answer: Row, lane: Lane) -> OrderState:
        child_id = str(answer.get("actualOrderId") or "")
        fired = parent.status in (OrderStatus.TRIGGERING, OrderStatus.FILLED)
        if not fired or child_id in ("", "0"):
            return parent
        params: Params = {"symbol": binance.contract_of(parent.symbol), "orderId": child_id}
        try:
            child = await self._caller.table(binance.GET_ORDER, params, lane=lane)
        except VenueRefused as refused:
            if int_code(refused) in binance.NO_SUCH_ORDER:
                raise VenueUnreachable(f"{parent.client_order_id} fired, child not shown") from None
            raise
        return parse.with_child(parent, parse.order(child))


def _by_name(rows: list[object]) -> dict[str, Row]:
    found = {}
    for item in rows:
        source = fields.row(item, "contract")
        found[fields.text(source, "symbol", "contract")] = source
    return found


def _klines_weight(limit: int) -> int:
    if limit < 100:
        return 1
    return 2 if limit < 500 else 5 if limit <= 1000 else 10
