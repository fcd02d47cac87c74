"""One account at OKX as bot.ports.Venue, over ccxt."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from typing_extensions import override

from bot.domain.account import AccountState, IncomeRow, MarginMode
from bot.domain.errors import OutcomeUnknown, VenueDataInvalid, VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus, PositionSide
from bot.domain.units import NS_PER_MS
from bot.ports import Clock, KeyPermissions
from bot.venue import fields
from bot.venue.acting import Acting, Ties, acknowledged
from bot.venue.caller import Caller, Params
from bot.venue.endpoint import Endpoint
from bot.venue.fields import Row
from bot.venue.lanes import Lane
from bot.venue.okx import contracts, parse
from bot.venue.okx.account import HOUSE_MODE, OkxReader, Sizes
from bot.venue.okx.answers import Questions
from bot.venue.okx.orders import naming, placing
from bot.venue.profiles import okx
from bot.venue.together import together
from bot.venue.wording import plain

ORDERS_ASKED_MAX: Final = 50


class OkxVenue(Acting):
    """Requests to one account in futures mode."""

    name = okx.NAME

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        symbols: Sequence[str],
        sizes: Sizes,
        ties: Ties,
    ) -> None:
        super().__init__(caller, clock, ties)
        self._sizes = sizes
        self._ask = Questions(caller, self._reading)
        self.reader = OkxReader(self._ask, clock, symbols, sizes)

    # ------------------------------------------------------------------ contracts

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load filters, fees and margin tiers of `symbols`, afresh."""
        rows = await self._ask.rows(okx.INSTRUMENTS, {"instType": "SWAP"})
        self._sizes.learn(rows)
        listed = {fields.text(row, "instId", "contract"): row for row in rows}
        loaded = tuple(await together(*(self._instrument(s, listed) for s in symbols)))
        self._ties.on_instruments(loaded)
        return loaded

    async def _instrument(self, symbol: str, listed: dict[str, Row]) -> Instrument:
        name = okx.contract_of(symbol)
        if name not in listed:
            raise VenueRefused(f"the venue has no contract {name}", code="-1121")
        family = name.removesuffix("-SWAP")
        mode = okx.MODE_WORDS[self.reader.modes.get(symbol, HOUSE_MODE)]
        tiers, fees, marks = await together(
            self._ask.rows(okx.TIERS, {"instType": "SWAP", "instFamily": family, "tdMode": mode}),
            self._ask.rows(okx.FEES, {"instType": "SWAP", "instFamily": family}),
            self._ask.rows(okx.MARK, {"instType": "SWAP", "instId": name}),
        )
        if not fees or not marks:
            raise VenueDataInvalid(f"{name}: fees or mark are not told")
        mark = fields.positive(marks[0], "markPx", name)
        return contracts.instrument(listed[name], tiers, fees[0], mark)

    # ------------------------------------------------------------------ account

    async def account(self) -> AccountState:
        """Read balance, positions and both order books."""
        return await self.reader.read()

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read ledger rows since `since_ns`, oldest first, each once."""
        asked: Params = {"instType": "SWAP", "begin": since_ns // NS_PER_MS}
        found: dict[tuple[str, str], IncomeRow] = {}
        for source in await self._ask.pages(okx.BILLS, asked, "billId"):
            for row in parse.income(source):
                found.setdefault((row.income_id, row.kind), row)
        return tuple(sorted(found.values(), key=lambda row: (row.event_ns, row.income_id)))

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        await self._sizes.settle(self._ask)
        asked: Params = {
            "instType": "SWAP",
            "instId": okx.contract_of(symbol),
            "begin": since_ns // NS_PER_MS,
        }
        rows = await self._ask.pages(okx.FILLS, asked, "billId")
        names: dict[str, str] = {}
        for number in list(dict.fromkeys(fields.text(r, "ordId", "fill") for r in rows)):
            named = next(str(r.get("clOrdId") or "") for r in rows if r.get("ordId") == number)
            if named or len(names) >= ORDERS_ASKED_MAX:
                names[number] = okx.own_id(named, number)
            else:
                names[number] = await self._name_of(symbol, number)
        now_ns = self._clock.now_ns()
        found = [
            parse.fill(row, names[str(row["ordId"])], self._sizes.known, now_ns) for row in rows
        ]
        return tuple(sorted(found, key=lambda fill: (fill.event_ns, fill.trade_id)))

    async def _name_of(self, symbol: str, number: str) -> str:
        """Return the client id of an order without one: that of the trigger that bore it."""
        asked: Params = {"instId": okx.contract_of(symbol), "ordId": number}
        rows = await self._known(okx.GET_ORDER, asked, self._reading)
        if not rows:
            return okx.own_id("", number)
        return parse.order(rows[0], self._sizes.known).client_order_id

    async def key_permissions(self) -> KeyPermissions:
        """Read what the API key may do."""
        (config,) = await self._ask.rows(okx.CONFIG)
        words = fields.text(config, "perm", "account config").split(",")
        return KeyPermissions(
            can_trade="trade" in words,
            can_withdraw="withdraw" in words,
            ip_restricted=bool(config.get("ip")),
            can_transfer=None,
        )

    # ------------------------------------------------------------------ orders

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order. Raises OutcomeUnknown when it may have been executed."""
        self._may_act()
        await self._sizes.settle(self._ask)
        lane = self._lane(protecting=order.protecting)
        conditional = order.kind.is_conditional
        mode = self.reader.modes.get(order.symbol, HOUSE_MODE)
        params = placing(order, self._sizes.of(order.symbol), mode)
        try:
            endpoint = okx.PLACE_ALGO if conditional else okx.PLACE
            rows = await self._ask.rows(endpoint, params, lane=lane)
        except VenueRefused as refused:
            if refused.code in ("-4116", "-20132"):
                return await self._already_there(order)
            raise
        number = str(rows[0].get("algoId" if conditional else "ordId") or "") if rows else ""
        if not number:
            raise OutcomeUnknown("sent, but the answer names no order")
        state = await self._became(order, number)
        self._ties.on_placed(state)
        return state

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        self._may_act()
        lane = self._lane(protecting=protecting)
        endpoint = okx.CANCEL_ALGO if conditional else okx.CANCEL
        named = naming(symbol, client_order_id, conditional=conditional)
        await self._ask.rows(endpoint, named, lane=lane)

    @override
    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""
        await self._sizes.settle(self._ask)
        lane = self._lane(protecting=False)
        endpoint = okx.GET_ALGO if conditional else okx.GET_ORDER
        named = naming(symbol, client_order_id, conditional=conditional)
        rows = await self._known(endpoint, named, lane)
        if not rows:
            return None
        if not conditional:
            return parse.order(rows[0], self._sizes.known)
        state = parse.algo(rows[0], self._sizes.known)
        child = parse.child_of(rows[0])
        if state.status is not OrderStatus.TRIGGERING or not child:
            return state
        asked: Params = {"instId": okx.contract_of(symbol), "ordId": child}
        born = await self._known(okx.GET_ORDER, asked, lane)
        return parse.with_child(state, parse.order(born[0], self._sizes.known)) if born else state

    async def _known(self, endpoint: Endpoint, params: Params, lane: Lane) -> list[Row]:
        try:
            return await self._ask.rows(endpoint, params, lane=lane)
        except VenueRefused as refused:
            if refused.code in ("-2013", "-2011"):
                return []
            raise

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        self._may_act()
        hedged = await self.reader.is_hedged()
        params: Params = {
            "instId": okx.contract_of(symbol),
            "posSide": okx.LEG_WORDS[side] if hedged else "net",
            "type": "add",
            "amt": plain(amount_usd),
        }
        await self._ask.rows(okx.ADD_MARGIN, params, lane=Lane.PROTECT)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol in the margin mode its orders go out with."""
        self._may_act()
        mode: MarginMode = self.reader.modes.get(symbol, HOUSE_MODE)
        params: Params = {
            "instId": okx.contract_of(symbol),
            "lever": str(leverage),
            "mgnMode": okx.MODE_WORDS[mode],
        }
        apart = mode is MarginMode.ISOLATED and await self.reader.is_hedged()
        legs: list[Params] = [{"posSide": word} for word in okx.LEG_WORDS.values()]
        try:
            for leg in legs if apart else [{}]:  # walled legs have a leverage each
                await self._ask.rows(okx.SET_LEVERAGE, {**params, **leg}, lane=Lane.ORDER)
        finally:
            self._ties.on_settings()

    # ------------------------------------------------------------------ market

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        interval = await self._bars_of(okx.INTERVALS, timeframe_s)
        found: list[Candle] = []
        start_ms, step_ms = since_ns // NS_PER_MS, timeframe_s * 1000
        while len(found) < limit and start_ms * NS_PER_MS < self._caller.venue_now_ns():
            asked = min(limit - len(found), okx.BARS_MAX)
            params: Params = {
                "instId": okx.contract_of(symbol),
                "bar": interval,
                "before": start_ms - 1,
                "after": start_ms + step_ms * asked,
                "limit": asked,
            }
            answer = await self._caller.table(okx.BARS, params, lane=self._reading)
            rows = fields.rows(answer.get("data"), "bars")
            now_ns = self._clock.now_ns()
            found += contracts.candles(rows, symbol, timeframe_s, received_ns=now_ns)
            start_ms += step_ms * asked
        return tuple(found)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest in coins."""
        asked: Params = {"instType": "SWAP", "instId": okx.contract_of(symbol)}
        rows = await self._ask.rows(okx.OPEN_INTEREST, asked)
        if not rows:
            raise VenueDataInvalid(f"{symbol}: no open interest is told")
        return contracts.open_interest(rows[0], symbol, self._clock.now_ns())

    # ------------------------------------------------------------------ inside

    async def _became(self, order: ApprovedOrder, number: str) -> OrderState:
        """Return what became of an acknowledged order: the acknowledgement names it alone."""
        try:
            state = await self.order(
                order.symbol, order.client_order_id, conditional=order.kind.is_conditional
            )
        except VenueError:
            state = None
        return (
            state if state is not None else acknowledged(order, number, self._caller.venue_now_ns())
        )
