"""What the bot would do first on an account: a kernel of its own looks, and nothing is sent."""

from collections.abc import Sequence

import msgspec

from bot.app.telling.checkup import Check
from bot.domain.account import AccountState
from bot.domain.errors import BotError
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, FeedStatus, MarkPrice
from bot.domain.messages import (
    AccountSnapshot,
    CancelOrder,
    Effect,
    Event,
    InstrumentsLoaded,
    OrderAccepted,
    Started,
    SubmitOrder,
    TimerFired,
)
from bot.domain.orders import ApprovedOrder, Purpose
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.step import Kernel
from bot.ports import Clock, Venue

NAME = "first moves"
HOUR_S = 3_600
HISTORY_H = 720
LOOKS = 3
"""Seconds the shadow lives: stops are wished at once, cuts once the account has settled."""


async def first_moves(venue: Venue, policy: Policy, clock: Clock) -> Check:
    """Read account and a month of candles, and say what would be done about the positions."""
    try:
        account = await venue.account()
        held = {position.symbol for position in account.positions if not position.is_flat}
        symbols = tuple(sorted(held | set(policy.limits.symbols)))
        instruments = await venue.instruments(symbols)
        now_ns = clock.now_ns()
        bars = [await _bars(venue, symbol, now_ns) for symbol in symbols]
    except BotError as error:
        return Check(name=NAME, ok=None, found=f"cannot be told: {error}")
    lines = moves(policy, instruments, account, [bar for each in bars for bar in each], now_ns)
    return Check(name=NAME, ok=True, found="; ".join(lines) or "nothing: no position is held")


async def _bars(venue: Venue, symbol: str, now_ns: int) -> tuple[Candle, ...]:
    return await venue.candles(symbol, HOUR_S, now_ns - HISTORY_H * NS_PER_H, HISTORY_H)


def moves(
    policy: Policy,
    instruments: Sequence[Instrument],
    account: AccountState,
    bars: Sequence[Candle],
    now_ns: int,
) -> list[str]:
    """Return the first orders and cancels in words; the newest close stands for the mark.

    Stops are taken to be accepted, for nothing is cut before its stop works.
    """
    kernel = Kernel(policy, (), "shadow00")
    effects: list[Effect] = []
    closes: dict[str, float] = {}

    def tell(event: Event) -> None:
        found = kernel.step(event)
        effects.extend(found)
        for effect in found:
            if isinstance(effect, SubmitOrder) and effect.order.purpose is Purpose.STOP:
                ns, name = kernel.state.now_ns, effect.order.client_order_id
                tell(OrderAccepted(ns, ns, name, name))

    tell(Started(run_id="shadow00", event_ns=now_ns, received_ns=now_ns))
    tell(InstrumentsLoaded(now_ns, now_ns, tuple(instruments)))
    for bar in sorted(bars, key=lambda each: each.event_ns):
        tell(msgspec.structs.replace(bar, received_ns=now_ns))
        closes[bar.symbol] = bar.close
    for stream in ("user", "market", "proof"):
        tell(FeedStatus(stream, "", now_ns, now_ns, live=True, reason="assumed"))
    for look in range(LOOKS):
        ns = now_ns + look * NS_PER_S
        for symbol, close in closes.items():
            tell(MarkPrice(symbol, ns, ns, close, close))
        tell(AccountSnapshot(account.event_ns, ns, account))
        tell(TimerFired("second", ns, ns))
    return _words(effects)


def _words(effects: Sequence[Effect]) -> list[str]:
    """Return each kind of move on each symbol once, in the order in which they came."""
    told: dict[tuple[str, str, str], str] = {}
    for effect in effects:
        if isinstance(effect, SubmitOrder):
            order = effect.order
            told.setdefault((order.symbol, order.side.value, order.purpose.value), _order(order))
        elif isinstance(effect, CancelOrder):
            words = f"cancel {effect.client_order_id} on {effect.symbol}"
            told.setdefault((effect.symbol, "cancel", effect.client_order_id), words)
    return list(told.values())


def _order(order: ApprovedOrder) -> str:
    base = order.symbol.split("/", 1)[0]
    at = f" at {order.trigger_price:f}" if order.trigger_price is not None else ""
    why = f" ({order.reason})" if order.reason else ""
    return f"{order.purpose.value} {order.side.value} {order.qty:f} {base}{at}{why}"
