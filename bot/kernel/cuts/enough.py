"""How much of a leg may stay for its danger to be over, by the rule that asks for the cut."""

from collections.abc import Mapping, Sequence

from bot.domain.policy import Step
from bot.domain.risk import Demand
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel import shared_margin
from bot.kernel.cuts.choose import Part, greedy
from bot.kernel.cuts.solve import isolated_cut_frac, qty_at_distance
from bot.kernel.margin import maintenance_usd
from bot.kernel.observe.flows import funding_8h_frac
from bot.kernel.view import LegView, held

SLIP_FRAC = 0.0005
YEAR_DAYS = 365.0
BARS_READ = 288


def kept_qty(view: LegView, demand: Demand | None) -> float | None:
    """Return the most of a leg that leaves the step in force behind; None: no such rule acts.

    The margin ratio must come under the way out of its step, liquidation must lie as far away as
    its step asks. What is released of isolated margin is taken to go back to the leg.
    """
    rules = view.policy.rules
    if demand is None or demand.exposure_factor >= 1.0 or view.qty <= 0.0:
        return None
    if demand.rule == "margin_ratio":
        step = _step(rules.margin_ratio, demand.exposure_factor)
        return _for_ratio(view, step.leave) if step is not None else None
    if demand.rule == "liquidation_distance":
        steps = rules.liq_distance_own_atr if view.own else rules.liq_distance_atr
        step = _step(steps, demand.exposure_factor)
        return _for_distance(view, step.leave) if step is not None else None
    return None


def _step(steps: Sequence[Step], factor: float) -> Step | None:
    return next((step for step in steps if step.factor == factor), None)


def _for_ratio(view: LegView, target: float) -> float | None:
    instrument = view.market.instrument
    if instrument is None or not instrument.tiers:
        return None
    if shared_margin.is_cross(view.leg):
        return _for_shared_ratio(view, target)
    margin = view.margin_usd
    if margin is None:
        return None
    share = isolated_cut_frac(
        view.notional_usd, margin, view.upnl_usd, instrument.tiers, target=target, given_back=1.0
    )
    return view.qty * (1.0 - share)


def _for_shared_ratio(view: LegView, target: float) -> float | None:
    """Return what is left of this leg when the legs of the wallet are cut, best slices first."""
    views = [each for each in held(view.state, view.policy) if shared_margin.is_cross(each.leg)]
    parts = {part.key: part for part in map(part_of, views)}
    wallet = shared_margin.wallet_usd(view.state)
    if wallet is None or not all(part.tiers for part in parts.values()):
        return None
    equity = wallet + sum(each.upnl_usd for each in views)

    def is_enough(cut: Mapping[str, float]) -> bool:
        left, needed = equity, 0.0
        for key, coins in cut.items():
            part = parts[key]
            left -= coins * part.mark * (part.fee_frac + SLIP_FRAC)
            needed += maintenance_usd((part.qty - coins) * part.mark, part.tiers)
        return left > 0.0 and needed <= target * left

    cut = greedy(list(parts.values()), is_enough)
    return max(view.qty - cut[_key(view)], 0.0)


def part_of(view: LegView) -> Part:
    """Return a leg as the choice of what goes first sees it."""
    instrument, market = view.market.instrument, view.market
    bars = market.bars[-BARS_READ:]
    span_s = len(bars) * view.policy.bar_s
    traded = sum(bar.volume * bar.close for bar in bars)
    rate = funding_8h_frac(market)
    return Part(
        key=_key(view),
        symbol=view.leg.symbol,
        sign=view.leg.side.sign,
        qty=view.qty,
        mark=view.mark,
        tiers=instrument.tiers if instrument is not None else (),
        sigma_day=view.sigma / YEAR_DAYS**0.5,
        fee_frac=instrument.taker_fee_frac if instrument is not None else 0.0,
        day_usd=traded * (NS_PER_DAY / NS_PER_S) / span_s if traded > 0.0 else None,
        liq_distance_frac=view.liq_distance_frac(),
        funding_paid_frac=view.leg.side.sign * rate if rate is not None else 0.0,
    )


def _key(view: LegView) -> str:
    return f"{view.leg.symbol}|{view.leg.side.value}"


def _for_distance(view: LegView, ranges: float) -> float | None:
    instrument, atr_day, margin = view.market.instrument, view.atr_day, view.margin_usd
    if instrument is None or not instrument.tiers or atr_day is None or margin is None:
        return None
    return qty_at_distance(
        view.leg.side.sign, view.mark, margin + view.upnl_usd, instrument.tiers,
        distance_frac=ranges * atr_day / view.mark, most=view.qty,
    )  # fmt: skip
