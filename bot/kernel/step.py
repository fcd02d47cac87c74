"""The one entrance of the kernel: an event in, effects out."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from bot.domain import messages as m
from bot.domain.market import BookTop, Candle, FeedStatus, MarkPrice, TradeBucket
from bot.domain.orders import PositionSide
from bot.domain.policy import Policy
from bot.domain.risk import TradingMode
from bot.domain.strategy import Strategy
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import decide, gate, guard, limits, outcomes, reconcile, sense, settle, warn
from bot.kernel.bars import fold_bar, fold_history, market_for
from bot.kernel.command import on_command
from bot.kernel.desk import Desk, printable
from bot.kernel.mode import record_equity, refresh_mode
from bot.kernel.observe import prices
from bot.kernel.protect import close_leg, protect
from bot.kernel.quiet import QuietBand, quiet_band
from bot.kernel.snapshot import Bar, BotState, Market, chain, digest, freeze, leg_key, thaw
from bot.kernel.track import apply_position, forget_old_orders, on_order, on_wallet
from bot.kernel.view import held

MARKET_KINDS = frozenset(m.MARKET_EVENTS)


class Kernel:
    """A synchronous machine that owns its state; nobody else writes it."""

    def __init__(self, policy: Policy, strategies: Sequence[Strategy], run_id: str) -> None:
        self.given = policy
        """What the owner's files say; `policy` is what is in force."""
        self.policy = policy
        self.strategies = tuple(sorted(strategies, key=lambda s: s.name))
        self.desk = Desk(BotState(run_id=run_id), policy)
        self._held: set[str] = set()
        self._bar_ns = policy.bar_s * NS_PER_S
        self._trade_bar_ns = self._bar_ns if policy.bars_from == "trades" else 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            MarkPrice: self._on_mark,
            TradeBucket: self._on_trade,
            BookTop: lambda e: prices.on_book(self._market(e.symbol), e),
            Candle: self._on_candle,
            **sense.handlers(self.desk),
            FeedStatus: self._on_feed,
            m.Started: self._on_started,
            m.InstrumentsLoaded: self._on_instruments,
            m.AccountSnapshot: self._on_snapshot,
            m.SnapshotFailed: lambda _e: refresh_mode(self.desk),
            m.OrderUpdate: self._on_order,
            m.Fill: self._on_fill,
            m.PositionUpdate: self._on_position,
            m.WalletUpdate: self._on_wallet,
            m.IncomeBooked: lambda e: reconcile.on_income(self.desk, e),
            m.OrderAccepted: self._on_accepted,
            m.OrderRefused: self._on_refused,
            m.OrderOutcomeUnknown: lambda e: outcomes.on_unknown(self.desk, e),
            m.OrderNotFound: self._on_not_found,
            m.CancelFailed: lambda e: outcomes.on_cancel_failed(self.desk, e),
            m.FillsFailed: lambda e: outcomes.on_fills_failed(self.desk, e),
            m.MarginAdjusted: lambda e: outcomes.on_margin_adjusted(self.desk, e),
            m.CoverageReported: lambda e: outcomes.on_coverage(self.desk, e),
            m.Command: self._on_command,
            m.TimerFired: self._on_timer,
        }

    @property
    def state(self) -> BotState:
        """The belief; read it, never write it."""
        return self.desk.state

    def step(self, event: m.Event) -> list[m.Effect]:
        """Fold `event` into the state and return what must happen now.

        Raises:
            KeyError: the event's type has no handler.
        """
        desk = self.desk
        state = desk.state
        state.seq += 1
        state.now_ns = max(state.now_ns, event.received_ns)
        desk.effects = []
        desk.index = 0
        kind = type(event)
        if kind not in MARKET_KINDS:
            event = printable(event)
        self._handlers[kind](event)
        if state.latched and state.mode is not TradingMode.HALTED:
            refresh_mode(desk)
        if desk.effects:
            state.effects_digest = chain(state.effects_digest, desk.encoded())
        return desk.effects

    def quiet(self, symbol: str) -> QuietBand | None:
        """Return between which prices, until when, trades of a symbol may be told folded."""
        return quiet_band(self.state, self.policy, symbol)

    def freeze(self) -> bytes:
        """Return the whole state for the next start."""
        return freeze(self.state)

    def restore(self, blob: bytes) -> None:
        """Take back a frozen state, market sense included: the same tape goes on the same way.

        Raises:
            ValueError: the bytes are not a state of this version.
        """
        self.desk.state = thaw(blob)
        self._set_policy(limits.in_force(self.state, self.given))
        self._find_held()

    def restore_account(self, blob: bytes) -> None:
        """Take back the account part of a frozen state; market sense is warmed anew.

        Raises:
            ValueError: the bytes are not a state of this version.
        """
        old = thaw(blob)
        run_id = self.state.run_id
        zones = {symbol: market.zones for symbol, market in old.markets.items()}
        old.run_id, old.markets, old.lived_until_ns = run_id, {}, old.now_ns
        old.mode, old.mode_reason = TradingMode.REDUCING, "starting"
        old.reconciled_ns = old.shown_ns = old.account_ns = old.wallet_ns = old.fill_ns = 0
        for leg in old.legs.values():
            leg.uncovered_since_ns = leg.cut_off_ns = leg.margin_asked_ns = leg.missing_reads = 0
            leg.refused, leg.wait_until_ns, leg.plan = {}, {}, None
        for sensed in old.sensed.values():
            sensed.assessment = None
        self.desk.state = old
        for symbol, kept in zones.items():
            self._market(symbol).zones = kept
        self._find_held()

    def digest(self) -> str:
        """Return the digest of state and of all effects so far."""
        return digest(self.state)

    def wanted_stop(self, symbol: str, side: PositionSide) -> Decimal | None:
        """Return the trigger the guard wants for a leg; None when it cannot tell."""
        for view in held(self.state, self.policy):
            if view.leg.symbol == symbol and view.leg.side is side:
                return guard.wanted_stop(view)
        return None

    def _market(self, symbol: str) -> Market:
        return market_for(self.state, self.policy, symbol)

    def _on_mark(self, event: MarkPrice) -> None:
        market = self.state.markets.get(event.symbol) or self._market(event.symbol)
        first = market.mark_ns == 0
        prices.on_mark(market, event)
        sense.on_mark(self.desk, event)
        if event.symbol in self._held:
            self._protect(event.symbol, at_bar=False, on_change=first)

    def _on_trade(self, event: TradeBucket) -> None:
        market = self.state.markets.get(event.symbol) or self._market(event.symbol)
        self.state.seq += event.count - 1
        sense.on_trade(self.desk, event)
        done = prices.on_trade(market, event, self._trade_bar_ns)
        if done is not None:
            self._close_bar(market, done, done.open_ns + self._bar_ns)

    def _on_candle(self, event: Candle) -> None:
        market = self._market(event.symbol)
        if event.history:
            bar = fold_history(market, event, self.policy)
            sense.on_history(self.desk, market, bar, event.event_ns)
        elif self._trade_bar_ns == 0:
            self._close_bar(market, prices.bar_of(event), event.event_ns)

    def _close_bar(self, market: Market, bar: Bar, close_ns: int) -> None:
        fold_bar(self.desk, market, bar, close_ns)
        sense.on_bar(self.desk, market, bar, close_ns)
        if market.symbol in self._held:
            self._protect(market.symbol, at_bar=True, on_change=False)
        else:
            guard.touch_equity(self.desk)
        gate.execute(self.desk, decide.trade(self.desk, market, self.strategies))
        record_equity(self.desk)

    def _on_feed(self, event: FeedStatus) -> None:
        if event.stream == "user":
            self.state.user_stream_live = event.live
            if event.live:
                outcomes.ask_fills(self.desk)
                self.desk.emit(m.FetchAccount(f"account stream: {event.reason}"))
        elif event.stream == "proof":
            self.state.stops_proven = event.live
        elif event.stream == "key":
            self.state.key_flaw = "" if event.live else event.reason
        elif event.stream == "market":
            symbols = [event.symbol] if event.symbol else sorted(self.state.markets)
            for symbol in symbols:
                market = self._market(symbol)
                market.feed_live, market.feed_reason = event.live, event.reason
        sense.on_status(self.desk, event)
        where = event.symbol or "all symbols"
        self.desk.record(
            "feed", event.symbol,
            f"{event.stream} for {where} is {'live' if event.live else 'down'}", event.reason,
        )  # fmt: skip
        refresh_mode(self.desk)

    def _on_started(self, event: m.Started) -> None:
        self.state.run_id = event.run_id
        self.state.read_only = event.read_only
        sense.on_started(self.desk)
        self._set_policy(limits.hold(self.desk, self.given))
        self.desk.record("start", "", f"run {event.run_id} starts, reducing only", "crash-only")

    def _on_instruments(self, event: m.InstrumentsLoaded) -> None:
        for instrument in event.instruments:
            warn.contract_read(self.desk, self._market(instrument.symbol), instrument)

    def _on_snapshot(self, event: m.AccountSnapshot) -> None:
        changed = reconcile.on_snapshot(self.desk, event)
        for leg in changed:
            if leg.qty == ZERO:
                gate.execute(self.desk, settle.on_flat(self.desk, leg))
        self._find_held()
        guard.touch_equity(self.desk)
        refresh_mode(self.desk)
        if changed:
            self._protect("", at_bar=False, on_change=True)

    def _on_order(self, event: m.OrderUpdate) -> None:
        belief = on_order(self.state, event)
        self.state.account_ns = event.received_ns
        if not belief.ours:
            return
        if not belief.status.is_live:
            outcomes.drop_unfilled_trade(self.desk, belief)
        if belief.symbol in self._held:
            self._protect(belief.symbol, at_bar=False, on_change=True)

    def _on_fill(self, event: m.Fill) -> None:
        self.state.account_ns = event.received_ns
        if event.qty <= ZERO or event.price <= ZERO:
            self.desk.record("fill", event.symbol, "an empty fill was ignored", f"{event.qty}")
            return
        sense.on_fill(self.desk, event)
        done = settle.on_fill(self.desk, event)
        if done is None:
            return
        leg, wishes = done
        self._find_held()
        gate.execute(self.desk, wishes)
        if leg.qty > ZERO:
            self._protect(leg.symbol, at_bar=False, on_change=True)

    def _on_position(self, event: m.PositionUpdate) -> None:
        state = self.state
        state.account_ns = event.received_ns
        before = state.legs.get(leg_key(event.position.symbol, event.position.side))
        margin_before = before.isolated_margin_usd if before is not None else None
        qty_before = before.qty if before is not None else ZERO
        leg = apply_position(state, event.position)
        if leg is None:
            gate.execute(self.desk, settle.on_told_flat(self.desk, event.position))
            return
        self._find_held()
        if leg.qty == ZERO:
            gate.execute(self.desk, settle.on_flat(self.desk, leg) if qty_before > ZERO else [])
            return
        if leg.trade is None and not leg.foreign:
            leg.foreign, leg.user_qty = True, leg.qty
            leg.adopted_ns = leg.position_ns
        margin = leg.isolated_margin_usd
        cut = leg.last_fill_ours and leg.last_cut_ns > 0
        if cut and margin is not None and margin_before is not None and margin < margin_before:
            leg.released_usd += margin_before - margin
        self._protect(leg.symbol, at_bar=False, on_change=True)

    def _on_wallet(self, event: m.WalletUpdate) -> None:
        self.state.account_ns = event.received_ns
        on_wallet(self.state, event)
        guard.touch_equity(self.desk)

    def _on_accepted(self, event: m.OrderAccepted) -> None:
        belief = outcomes.on_accepted(self.desk, event)
        if belief is not None and belief.symbol in self._held:
            outcomes.forget_refusals(self.desk, belief)
            self._protect(belief.symbol, at_bar=False, on_change=True)

    def _on_refused(self, event: m.OrderRefused) -> None:
        belief = outcomes.on_refused(self.desk, event)
        if belief is None or belief.purpose is None:
            return
        why = f"its {belief.purpose.value.lower()} would trigger at once"
        for view in held(self.state, self.policy):
            if view.leg.symbol == belief.symbol and view.leg.side is belief.position_side:
                gate.execute(self.desk, close_leg(self.desk, view, why))

    def _on_not_found(self, event: m.OrderNotFound) -> None:
        belief = outcomes.on_not_found(self.desk, event)
        if belief is not None and belief.symbol in self._held:
            self._protect(belief.symbol, at_bar=False, on_change=True)

    def _on_command(self, event: m.Command) -> None:
        gate.execute(self.desk, on_command(self.desk, event))
        refresh_mode(self.desk)
        if event.name == "mode":
            self._protect("", at_bar=False, on_change=True)

    def _on_timer(self, event: m.TimerFired) -> None:
        if event.name == "reconcile":
            outcomes.ask_wanted_fills(self.desk)
            self.desk.emit(m.FetchAccount("scheduled"))
            return
        if event.name != "second":
            return
        looser = limits.ripen(self.desk, self.given)
        if looser is not None:
            self._set_policy(looser)
        reconcile.accept_unexplained(
            self.desk, reconcile.UNEXPLAINED_MAX_NS, "nothing explained it in time"
        )
        guard.touch_equity(self.desk)
        refresh_mode(self.desk)
        outcomes.ask_unknown(self.desk)
        gate.execute(self.desk, settle.finish_late(self.desk))
        if self._trade_bar_ns:
            for symbol in sorted(self.state.markets):
                market = self.state.markets[symbol]
                bar = prices.ripe_bar(market, self._trade_bar_ns, self.state.now_ns - NS_PER_S)
                if bar is not None:
                    self._close_bar(market, bar, bar.open_ns + self._trade_bar_ns)
        sense.on_second(self.desk)
        self._protect("", at_bar=False, on_change=False)
        forget_old_orders(self.state)

    def _protect(self, symbol: str, *, at_bar: bool, on_change: bool) -> None:
        wishes = protect(self.desk, symbol, at_bar=at_bar, on_change=on_change)
        if wishes:
            gate.execute(self.desk, wishes)

    def _set_policy(self, policy: Policy) -> None:
        self.policy = self.desk.policy = policy

    def _find_held(self) -> None:
        self._held = {leg.symbol for leg in self.state.legs.values() if leg.qty > ZERO}
