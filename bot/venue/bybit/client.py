"""One unified account at Bybit as bot.ports.Venue, over ccxt."""

import asyncio
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from typing_extensions import override

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import OutcomeUnknown, VenueDataInvalid, VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, PositionSide
from bot.domain.units import NS_PER_MS
from bot.ports import Clock, KeyPermissions
from bot.venue import fields
from bot.venue.acting import Acting, Ties, acknowledged
from bot.venue.binance import parse_market
from bot.venue.bybit import parse, past
from bot.venue.bybit import parse_market as contracts
from bot.venue.bybit.account import BybitReader
from bot.venue.bybit.answers import Questions
from bot.venue.bybit.orders import exact_margin, naming, placing
from bot.venue.caller import Caller, Params
from bot.venue.fields import Row
from bot.venue.lanes import Lane
from bot.venue.profiles import bybit
from bot.venue.together import together

LOOK_S: Final = 1.0
"""How long to ask what became of an order that was acknowledged; the stream tells it anyway."""
SENT_KEPT: Final = 512


class BybitVenue(Acting):
    """Requests to one unified account."""

    name = bybit.NAME

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        symbols: Sequence[str],
        ties: Ties,
        *,
        has_rights: bool,
        tells_fees: bool,
    ) -> None:
        super().__init__(caller, clock, ties)
        self._has_rights = has_rights
        self._tells_fees = tells_fees
        self._ask = Questions(caller, self._reading)
        self._sent: deque[str] = deque(maxlen=SENT_KEPT)
        self.reader = BybitReader(self._ask, clock, symbols)

    # ------------------------------------------------------------------ contracts

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load filters, fees and margin tiers of `symbols`, afresh."""
        loaded = tuple(await together(*(self._instrument(symbol) for symbol in symbols)))
        self._ties.on_instruments(loaded)
        return loaded

    async def _instrument(self, symbol: str) -> Instrument:
        name = bybit.contract_of(symbol)
        asked: Params = {"category": bybit.CATEGORY, "symbol": name}
        listed, tiers, fees = await together(
            self._ask.rows(bybit.INSTRUMENTS, asked),
            self._ask.rows(bybit.RISK_LIMIT, asked),
            self._fees(asked),
        )
        if not listed:
            raise VenueRefused(f"the venue has no contract {name}", code="-1121")
        if not fees:
            raise VenueDataInvalid(f"{name}: the venue tells no fees")
        return contracts.instrument(listed[0], tiers, fees[0])

    async def _fees(self, asked: Params) -> list[Row]:
        return await self._ask.rows(bybit.FEES, asked) if self._tells_fees else [bybit.BASE_FEES]

    # ------------------------------------------------------------------ account

    async def account(self) -> AccountState:
        """Read wallet, positions and both kinds of orders."""
        return await self.reader.read()

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read ledger rows since `since_ns`, oldest first, each once."""
        return await past.read_income(self._ask, since_ns, self._caller.venue_now_ns())

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        hedged = await self.reader.is_hedged()
        now_ns = self._caller.venue_now_ns()
        return await past.read_fills(self._ask, symbol, since_ns, now_ns, hedged=hedged)

    async def key_permissions(self) -> KeyPermissions:
        """Read what the API key may do; demo and embedded venues do not say."""
        if not self._has_rights:
            return KeyPermissions(can_trade=None, can_withdraw=None, ip_restricted=None)
        answer = await self._ask.result(bybit.KEY_RIGHTS, {})
        return _rights(answer)

    # ------------------------------------------------------------------ orders

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order. Raises OutcomeUnknown when it may have been executed.

        The venue lets an id be used again once its order has ended: an id that went out before
        is asked for, never sent a second time.
        """
        self._may_act()
        if order.client_order_id in self._sent:
            known = await self._sent_before(order)
            if known is not None:
                return known
        lane = self._lane(protecting=order.protecting)
        params = placing(order)
        self._sent.append(order.client_order_id)
        try:
            answer = await self._ask.result(bybit.PLACE, params, lane=lane)
        except VenueRefused as refused:
            if refused.code in bybit.DUPLICATE_ID:
                return await self._already_there(order)
            if refused.code == bybit.WRONG_POSITION_MODE:
                self._ties.on_settings()
            raise
        state = await self._placed(order, answer, lane)
        self._ties.on_placed(state)
        return state

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        del conditional  # one book here
        self._may_act()
        lane = self._lane(protecting=protecting)
        await self._ask.result(bybit.CANCEL, naming(symbol, client_order_id), lane=lane)

    @override
    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""
        del conditional  # one book here
        lane = self._lane(protecting=False)
        return await past.read_order(self._ask, symbol, client_order_id, lane)

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        self._may_act()
        params: Params = {
            "category": bybit.CATEGORY,
            "symbol": bybit.contract_of(symbol),
            "margin": exact_margin(amount_usd),
            "positionIdx": bybit.LEG_NUMBERS[side] if await self.reader.is_hedged() else 0,
        }
        await self._ask.result(bybit.ADD_MARGIN, params, lane=Lane.PROTECT)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage setting of a symbol; that it is so already is no refusal."""
        self._may_act()
        params: Params = {
            "category": bybit.CATEGORY,
            "symbol": bybit.contract_of(symbol),
            "buyLeverage": str(leverage),
            "sellLeverage": str(leverage),
        }
        try:
            await self._ask.result(bybit.SET_LEVERAGE, params, lane=Lane.ORDER)
        except VenueRefused as refused:
            if refused.code != str(bybit.NOT_MODIFIED):
                raise
        finally:
            self._ties.on_settings()

    # ------------------------------------------------------------------ market

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        interval = await self._bars_of(bybit.INTERVALS, timeframe_s)
        found: list[Candle] = []
        start_ms, step_ms = since_ns // NS_PER_MS, timeframe_s * 1000
        while len(found) < limit:
            asked = min(limit - len(found), bybit.KLINES_MAX)
            params: Params = {
                "category": bybit.CATEGORY,
                "symbol": bybit.contract_of(symbol),
                "interval": interval,
                "start": start_ms,
                # without an end the newest bars come, not those from the start on
                "end": start_ms + step_ms * asked - 1,
                "limit": asked,
            }
            answer = await self._ask.result(bybit.KLINES, params)
            rows = fields.rows(answer.get("list"), "kline")[::-1]
            bars = parse_market.candles(
                rows,
                symbol,
                timeframe_s,
                venue_now_ns=self._caller.venue_now_ns(),
                received_ns=self._clock.now_ns(),
            )
            found.extend(bars)
            start_ms += step_ms * asked
            if len(bars) < len(rows) or start_ms * NS_PER_MS > self._caller.venue_now_ns():
                break
        return tuple(found)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest in coins, as the ticker has it now."""
        params: Params = {"category": bybit.CATEGORY, "symbol": bybit.contract_of(symbol)}
        answer = await self._caller.table(bybit.TICKERS, params, lane=self._reading)
        at_ns = fields.instant_ns(answer, "time", "ticker")
        result = fields.row(answer.get("result"), "ticker")
        rows = fields.rows(result.get("list"), "ticker")
        if not rows:
            raise VenueDataInvalid(f"{symbol}: no ticker")
        row = fields.row(rows[0], "ticker")
        return contracts.open_interest(row, symbol, at_ns, self._clock.now_ns())

    # ------------------------------------------------------------------ inside

    async def _placed(self, order: ApprovedOrder, answer: Row, lane: Lane) -> OrderState:
        """Return what became of an acknowledged order: the acknowledgement names ids alone."""
        try:
            number = fields.text(answer, "orderId", "order")
        except VenueDataInvalid as nonsense:
            raise OutcomeUnknown(f"sent, but the answer is unreadable: {nonsense}") from None
        try:
            async with asyncio.timeout(LOOK_S):
                rows = await self._ask.rows(
                    bybit.OPEN_ORDERS, naming(order.symbol, order.client_order_id), lane=lane
                )
            shown = [state for row in rows if (state := parse.order(row)).venue_order_id == number]
        except (VenueError, TimeoutError):
            shown = []
        return shown[0] if shown else acknowledged(order, number, self._caller.venue_now_ns())


def _rights(answer: Row) -> KeyPermissions:
    what = "key permissions"
    granted = fields.row(answer.get("permissions"), what)

    def words(name: str) -> list[object]:
        listed = granted.get(name)
        return listed if isinstance(listed, list) else []

    writes = fields.whole_or_none(answer, "readOnly", what) == 0
    ips = answer.get("ips")
    wallet = words("Wallet")
    return KeyPermissions(
        can_trade=writes and "Order" in words("ContractTrade"),
        can_withdraw="Withdraw" in wallet,
        ip_restricted=isinstance(ips, list) and bool(ips) and "*" not in ips,
        can_transfer=any("Transfer" in str(word) for word in wallet),
    )
