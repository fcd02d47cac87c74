"""What a sudden move would leave of the account: stops, gaps, silence of the venue, liquidation."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from bot.answers.held import covered_qty, working_stops
from bot.domain.units import ZERO
from bot.kernel.margin import maintenance_usd
from bot.kernel.snapshot import BotState, OrderBelief
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView

SLIP_CALM_FRAC = 0.0005
SLIP_FAST_FRAC = 0.003
"""What a stop loses against its trigger, and against the first price after a gap."""


class Shock(msgspec.Struct, frozen=True, kw_only=True):
    """A move of every price at once.

    `moves`: symbol -> change as a fraction of the mark. `gap`: no price in between is traded.
    `silent`: the venue takes no order until the move is over.
    """

    name: str
    why: str
    moves: Mapping[str, float]
    gap: bool = False
    silent: bool = False


class After(msgspec.Struct, frozen=True, kw_only=True):
    """What is left after a shock; USD and fractions of the equity before it."""

    equity_usd: float
    loss_frac: float
    closed_by_stop: list[str]
    liquidated: list[str]
    still_held: list[str]


def after(state: BotState, views: Sequence[LegView], shock: Shock) -> After:
    """Return what a shock leaves.

    A stop fills at its trigger in a slide and at the end of the move in a gap, less slippage and
    fee. Liquidation is judged at the end of the move, on what no stop closed, and takes the whole
    margin: an isolated leg's own, or all that cross legs share.
    """
    before = equity_usd(state)
    result = {id(view): _move_usd(view, shock, stopped=False) for view in views}
    stopped = [view for view in views if not shock.silent and _stop_fills(state, view, shock)]
    for view in stopped:
        result[id(view)] = _move_usd(view, shock, stopped=True, state=state)
    held = [view for view in views if view not in stopped]
    dead: list[LegView] = []
    for view in held:
        own = view.leg.isolated_margin_usd
        if own is None or own <= ZERO:
            continue
        left = float(own) + view.upnl_usd + result[id(view)]
        if left <= _needed_usd(view, shock):
            dead.append(view)
            result[id(view)] = -float(own) - view.upnl_usd
    crossed = [view for view in held if not view.leg.isolated_margin_usd]
    shared = _shared_usd(views, before) + sum(
        result[id(v)] for v in views if not v.leg.isolated_margin_usd
    )
    if crossed and shared <= sum(_needed_usd(view, shock) for view in crossed):
        dead += crossed
        for view in crossed:
            result[id(view)] -= shared / len(crossed)
    left = before + sum(result.values())
    return After(
        equity_usd=left,
        loss_frac=(before - left) / before if before > 0.0 else 0.0,
        closed_by_stop=[name_of(view) for view in stopped],
        liquidated=[name_of(view) for view in dead],
        still_held=[name_of(view) for view in held if view not in dead],
    )


def name_of(view: LegView) -> str:
    """Return a leg as people name it."""
    return f"{view.leg.symbol} {view.leg.side.value}"


def end_price(view: LegView, shock: Shock) -> float:
    """Return where the mark of a leg ends."""
    return view.mark * (1.0 + shock.moves.get(view.leg.symbol, 0.0))


def _shared_usd(views: Sequence[LegView], equity: float) -> float:
    """Return the equity that cross legs share: all that no isolated leg holds."""
    walled = [view for view in views if view.leg.isolated_margin_usd]
    return equity - sum(
        float(view.leg.isolated_margin_usd or ZERO) + view.upnl_usd for view in walled
    )


def _needed_usd(view: LegView, shock: Shock) -> float:
    instrument = view.market.instrument
    if instrument is None or not instrument.tiers:
        return 0.0
    return maintenance_usd(view.qty * end_price(view, shock), instrument.tiers)


def _passed(view: LegView, stop: OrderBelief, shock: Shock) -> bool:
    """Whether the move goes through a stop's trigger."""
    sign, end = view.leg.side.sign, end_price(view, shock)
    return stop.trigger_price is not None and sign * (end - float(stop.trigger_price)) <= 0.0


def _stop_fills(state: BotState, view: LegView, shock: Shock) -> bool:
    """Whether working stops that cover the whole leg are passed."""
    passed = [stop for stop in working_stops(state, view.leg) if _passed(view, stop, shock)]
    return covered_qty(view.leg, passed) >= view.leg.qty


def _move_usd(
    view: LegView, shock: Shock, *, stopped: bool, state: BotState | None = None
) -> float:
    """Return the change of the leg's result in USD, costs of its stop included."""
    sign, price = view.leg.side.sign, end_price(view, shock)
    if not stopped or state is None:
        return sign * view.qty * (price - view.mark)
    slip = SLIP_FAST_FRAC
    if not shock.gap:
        slip = SLIP_CALM_FRAC
        triggers = [
            Decimal(stop.trigger_price)
            for stop in working_stops(state, view.leg)
            if stop.trigger_price is not None and _passed(view, stop, shock)
        ]
        price = float(max(triggers, key=lambda trigger: sign * trigger))
    instrument = view.market.instrument
    fee = instrument.taker_fee_frac if instrument is not None else 0.0005
    return sign * view.qty * (price - view.mark) - view.qty * price * (slip + fee)
