"""One account at Hyperliquid as bot.ports.Venue, over ccxt's signing and sockets."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from typing_extensions import override

from bot.domain.account import AccountState, IncomeRow, MarginMode
from bot.domain.errors import OutcomeUnknown, VenueDataInvalid, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, PositionSide
from bot.domain.units import NS_PER_MS, NS_PER_S, finite
from bot.ports import Clock, KeyPermissions
from bot.venue import fields
from bot.venue.acting import Acting, Ties
from bot.venue.hyperliquid import ledger, listing, orders, parse
from bot.venue.hyperliquid.account import AccountReader
from bot.venue.hyperliquid.asking import Asker, Shared
from bot.venue.hyperliquid.cloid import number_of, to_cloid
from bot.venue.hyperliquid.errors import DUPLICATE, NO_SUCH_ORDER
from bot.venue.lanes import Lane
from bot.venue.profiles import hyperliquid as profile
from bot.venue.together import together


class HyperliquidVenue(Acting):
    """Requests to one account with a perpetuals wallet of its own."""

    name = profile.NAME

    def __init__(
        self,
        asker: Asker,
        shared: Shared,
        clock: Clock,
        ties: Ties,
        *,
        symbols: tuple[str, ...],
        agent_address: Callable[[], str],
        on_known: Callable[[OrderState], None],
    ) -> None:
        super().__init__(asker.caller, clock, ties)
        self._asker = asker
        self._shared = shared
        self._agent_address = agent_address
        self._on_known = on_known
        self.reader = AccountReader(asker, shared, clock, self._reading, symbols, on_known)

    # ------------------------------------------------------------------ contracts

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load digits, fees and margin tiers of `symbols`, afresh."""
        both, fees = await together(
            self._asker.ask("metaAndAssetCtxs", lane=self._reading),
            self._asker.ask_mine("userFees", lane=self._reading),
        )
        pair = fields.rows(both, "metaAndAssetCtxs")
        if len(pair) != 2:
            raise VenueDataInvalid("metaAndAssetCtxs: two parts are needed")
        meta, states = fields.row(pair[0], "meta"), fields.rows(pair[1], "asset states")
        known = self._shared.learn(meta)
        coins = [profile.coin_of(symbol) for symbol in symbols]
        missing = [coin for coin in coins if coin not in known]
        if missing:
            raise VenueRefused(f"the venue has no contract {', '.join(missing)}", code="-1121")
        rates = listing.fees(fields.row(fees, "userFees"))
        loaded = tuple(listing.instrument(meta, states, known[coin], rates) for coin in coins)
        self._ties.on_instruments(loaded)
        return loaded

    # ------------------------------------------------------------------ account

    async def account(self) -> AccountState:
        """Read wallet, positions and open orders."""
        return await self.reader.read()

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read ledger rows since `since_ns`, oldest first, each once."""
        now_ns = self._clock.now_ns()
        return tuple(await ledger.read_income(self._asker, since_ns, self._reading, now_ns))

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        now_ns = self._clock.now_ns()
        return await ledger.read_fills(self._asker, since_ns, self._reading, now_ns, symbol)

    async def key_permissions(self) -> KeyPermissions:
        """Read what the key may do: an agent trades and cannot move money; the account's own can.

        Whether a key is tied to addresses of the network the venue does not say: it ties none.
        """
        await self._shared.prove(self._asker, self._reading)
        signing = self._agent_address()
        own = signing == self._asker.user
        answer = await self._asker.ask_mine("extraAgents", lane=self._reading)
        agents = [fields.row(item, "agent") for item in fields.rows(answer, "extraAgents")]
        named = any(fields.text(row, "address", "agent").lower() == signing for row in agents)
        return KeyPermissions(
            can_trade=own or named, can_withdraw=own, ip_restricted=None, can_transfer=own
        )

    # ------------------------------------------------------------------ orders

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order. Raises OutcomeUnknown when it may have been executed.

        When the venue already has this client id, an earlier sending got through: its state is
        the answer.
        """
        self._may_act()
        lane = self._lane(protecting=order.protecting)
        contract = await self._shared.contract(self._asker, order.symbol, lane)
        reference = None
        if orders.needs_price(order):
            reference = await self._shared.reference(self._asker, order.symbol, lane)
        action = orders.placing(order, contract, reference)
        self._on_known(orders.pending(order, self._caller.venue_now_ns()))
        answer = await self._asker.act(action, lane=lane, places=True)
        try:
            now_ns = self._caller.venue_now_ns()
            state = orders.placed(order, orders.first_status(answer), now_ns)
        except VenueRefused as refused:
            if refused.code == DUPLICATE:
                return await self._already_there(order)
            raise
        self._on_known(state)
        self._ties.on_placed(state)
        return state

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        del conditional  # one book holds both kinds
        self._may_act()
        lane = self._lane(protecting=protecting)
        contract = await self._shared.contract(self._asker, symbol, lane)
        number = number_of(client_order_id)
        action: dict[str, object]
        if number is not None:
            action = {"type": "cancel", "cancels": [{"a": contract.asset, "o": number}]}
        else:
            cloid = to_cloid(client_order_id)
            named = {"asset": contract.asset, "cloid": cloid}
            action = {"type": "cancelByCloid", "cancels": [named]}
        answer = await self._asker.act(action, lane=lane, places=False)
        status = orders.first_status(answer)
        self.reader.note(symbol)
        if isinstance(status, dict) and "error" in status:
            words = str(status["error"])[:200]
            raise VenueRefused(words, code=NO_SUCH_ORDER)
        if status != "success":
            raise OutcomeUnknown(f"cancel sent, and the answer was {str(status)[:80]!r}")

    @override
    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""
        del symbol, conditional
        number = number_of(client_order_id)
        oid = to_cloid(client_order_id) if number is None else number
        answer = await self._asker.ask_mine(
            "orderStatus", lane=self._order_lane(), endpoint=profile.LIGHT, oid=oid
        )
        state = parse.order_status(fields.row(answer, "orderStatus"))
        if state is not None:
            self._on_known(state)
        return state

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        self._may_act()
        contract = await self._shared.contract(self._asker, symbol, Lane.PROTECT)
        action = {
            "type": "updateIsolatedMargin",
            "asset": contract.asset,
            "isBuy": side is PositionSide.LONG,
            "ntli": int(amount_usd * profile.MARGIN_UNITS),
        }
        await self._asker.act(action, lane=Lane.PROTECT, places=False)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol; the margin mode goes along with it and stays as it is."""
        self._may_act()
        contract = await self._shared.contract(self._asker, symbol, Lane.ORDER)
        answer = await self._asker.ask_mine("activeAssetData", lane=Lane.ORDER, coin=contract.coin)
        mode, _ = parse.margin_setting(fields.row(answer, "activeAssetData").get("leverage"))
        if mode is None:
            raise VenueDataInvalid(f"{symbol}: the venue does not say the margin mode")
        action = {
            "type": "updateLeverage",
            "asset": contract.asset,
            "isCross": mode is MarginMode.CROSS,
            "leverage": leverage,
        }
        try:
            await self._asker.act(action, lane=Lane.ORDER, places=False)
        finally:
            self._ties.on_settings()

    # ------------------------------------------------------------------ market

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        interval = await self._bars_of(profile.INTERVALS, timeframe_s)
        step_ns = timeframe_s * NS_PER_S
        found: list[Candle] = []
        start_ns = since_ns
        while len(found) < limit:
            asked = min(limit - len(found), profile.CANDLES_MAX)
            end_ns = start_ns + asked * step_ns - NS_PER_MS
            req = {
                "coin": profile.coin_of(symbol),
                "interval": interval,
                "startTime": start_ns // NS_PER_MS,
                "endTime": end_ns // NS_PER_MS,
            }
            weight = 20 + asked // 60
            answer = await self._asker.ask(
                "candleSnapshot", lane=self._reading, weight=weight, req=req
            )
            now_ns = self._caller.venue_now_ns()
            found += listing.candles(
                fields.rows(answer, "candleSnapshot"),
                symbol,
                timeframe_s,
                venue_now_ns=now_ns,
                received_ns=self._clock.now_ns(),
            )
            start_ns = end_ns + NS_PER_MS
            if start_ns >= now_ns:
                break
        return tuple(found[:limit])

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest in coins."""
        contract = await self._shared.contract(self._asker, symbol, self._reading)
        both = fields.rows(
            await self._asker.ask("metaAndAssetCtxs", lane=self._reading), "metaAndAssetCtxs"
        )
        states = fields.rows(both[-1] if both else None, "asset states")
        what = f"{symbol} open interest"
        if contract.asset >= len(states):
            raise VenueDataInvalid(f"{what}: not in the list")
        qty = finite(fields.row(states[contract.asset], what).get("openInterest"), what)
        if qty < 0.0:
            raise VenueDataInvalid(f"{what} is negative")
        at_ns = self._caller.venue_now_ns()
        return OpenInterest(symbol, at_ns, self._clock.now_ns(), profile.NAME, qty)

    # ------------------------------------------------------------------ inside

    def _order_lane(self) -> Lane:
        return Lane.WATCH if self._ties.guards else Lane.ORDER
