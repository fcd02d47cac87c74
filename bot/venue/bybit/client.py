"""One unified account at Bybit as bot.ports.Venue, over ccxt."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Final

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import OutcomeUnknown, VenueDataInvalid, VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus, PositionSide
from bot.domain.units import NS_PER_MS, ZERO
from bot.ports import Clock, KeyPermissions
from bot.venue import fields
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


class BybitVenue:
    """Requests to one account; `guards` sends everything through the reserved lane."""

    name = bybit.NAME

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        symbols: Sequence[str],
        *,
        guards: bool,
        read_only: bool,
        has_rights: bool,
        tells_fees: bool,
        on_placed: Callable[[OrderState], None],
        on_settings: Callable[[], None],
        on_instruments: Callable[[Sequence[Instrument]], None],
        on_close: Callable[[], Awaitable[None]],
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._guards = guards
        self._read_only = read_only
        self._has_rights = has_rights
        self._tells_fees = tells_fees
        self._on_placed = on_placed
        self._on_settings = on_settings
        self._on_instruments = on_instruments
        self._on_close = on_close
        self._ask = Questions(caller, Lane.WATCH if guards else Lane.QUERY)
        self._sent: deque[str] = deque(maxlen=SENT_KEPT)
        self.reader = BybitReader(self._ask, clock, symbols)

    # ------------------------------------------------------------------ contracts

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load filters, fees and margin tiers of `symbols`, afresh."""
        loaded = tuple(await together(*(self._instrument(symbol) for symbol in symbols)))
        self._on_instruments(loaded)
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
        lane = Lane.PROTECT if self._guards or order.protecting else Lane.ORDER
        params = placing(order)
        self._sent.append(order.client_order_id)
        try:
            answer = await self._ask.result(bybit.PLACE, params, lane=lane)
        except VenueRefused as refused:
            if refused.code in bybit.DUPLICATE_ID:
                return await self._already_there(order)
            if refused.code == bybit.WRONG_POSITION_MODE:
                self._on_settings()
            raise
        state = await self._placed(order, answer, lane)
        self._on_placed(state)
        return state

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        del conditional  # one book here
        self._may_act()
        lane = Lane.PROTECT if self._guards or protecting else Lane.ORDER
        await self._ask.result(bybit.CANCEL, naming(symbol, client_order_id), lane=lane)

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""
        del conditional  # one book here
        lane = Lane.PROTECT if self._guards else Lane.ORDER
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
            self._on_settings()

    # ------------------------------------------------------------------ market

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        interval = bybit.INTERVALS.get(timeframe_s)
        if interval is None:
            raise VenueRefused(f"the venue has no bars of {timeframe_s} s", code="NO_TIMEFRAME")
        await self._caller.settle_clock(lane=self._ask.lane)
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
        answer = await self._caller.table(bybit.TICKERS, params, lane=self._ask.lane)
        at_ns = fields.instant_ns(answer, "time", "ticker")
        result = fields.row(answer.get("result"), "ticker")
        rows = fields.rows(result.get("list"), "ticker")
        if not rows:
            raise VenueDataInvalid(f"{symbol}: no ticker")
        row = fields.row(rows[0], "ticker")
        return contracts.open_interest(row, symbol, at_ns, self._clock.now_ns())

    async def clock_skew_ns(self) -> int:
        """Return venue clock minus ours, measured now; requests are signed with it from here on."""
        return await self._caller.measure_clock(lane=self._ask.lane)

    async def close(self) -> None:
        """Release sockets."""
        await self._on_close()

    # ------------------------------------------------------------------ inside

    def _may_act(self) -> None:
        if self._read_only:
            raise VenueRefused("the key is for reading only: not sent", code="READ_ONLY")

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
        return shown[0] if shown else _acknowledged(order, number, self._caller.venue_now_ns())

    async def _sent_before(self, order: ApprovedOrder) -> OrderState | None:
        conditional = order.kind.is_conditional
        try:
            return await self.order(order.symbol, order.client_order_id, conditional=conditional)
        except VenueError as failed:
            raise OutcomeUnknown(
                f"sent before, and its state could not be read: {failed}"
            ) from None

    async def _already_there(self, order: ApprovedOrder) -> OrderState:
        state = await self._sent_before(order)
        if state is None:
            raise OutcomeUnknown("the venue says the client id is taken but shows no such order")
        self._on_placed(state)
        return state


def _acknowledged(order: ApprovedOrder, number: str, at_ns: int) -> OrderState:
    """Return an order of which only the acknowledgement is known."""
    return OrderState(
        client_order_id=order.client_order_id,
        venue_order_id=number,
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        status=OrderStatus.WORKING,
        qty=order.qty,
        filled_qty=ZERO,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        event_ns=at_ns,
        position_side=order.position_side if order.hedged else None,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by if order.kind.is_conditional else None,
    )


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
