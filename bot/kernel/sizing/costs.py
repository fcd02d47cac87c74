"""What a trade will cost at this market: fees, slippage on both sides, a gap, funding."""

import math
from statistics import median

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.policy import Policy, SizingPolicy
from bot.domain.units import NS_PER_S
from bot.kernel.clusters.outlook import forced_usd
from bot.kernel.observe.volatility import sigma
from bot.kernel.sizing.gaps import PRIOR, overshoot_frac
from bot.kernel.sizing.slippage import entry_slip_frac, stop_slip_frac
from bot.kernel.sizing.unit_risk import funding_frac
from bot.kernel.snapshot import BotState, Market

BARS_MIN, BARS_READ = 12, 288
DAY_S, FIVE_MINUTES_S = 86_400.0, 300.0
FUNDING_STANDARD_S = 28_800
GAP_CHANCE_BY_THREAT = (1.0, 1.0, 1.0, 2.0, 4.0)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of one trade as shares of notional, money in USD; None is not known."""

    fee_frac: float
    entry_slip_bps: float
    """Used where no book is known."""
    stop_slip_bps: float
    """Never less is planned for a stop."""
    gap_frac: float
    """The overshoot past the stop, weighed with its chance at this threat."""
    overshoot_frac: float
    """The mean overshoot when price gaps over the stop."""
    funding_frac: float
    """Paid to the horizon; negative: received."""
    sigma_day: float
    day_usd: float | None
    top: tuple[float, float] | None
    """(distance of the best price from the mark, USD resting there)."""
    half_spread: float | None
    forced_usd: float
    """Liquidations estimated between price and stop, as far as the map has earned a say."""
    assumed: tuple[str, ...]

    @property
    def five_minutes_usd(self) -> float | None:
        """What usually trades in five minutes."""
        return None if self.day_usd is None else self.day_usd * FIVE_MINUTES_S / DAY_S

    def entry_slip_frac(self, notional_usd: float) -> float:
        """Return the mean slippage expected of an entry."""
        if self.top is None or self.day_usd is None:
            return self.entry_slip_bps * 1e-4
        return entry_slip_frac(notional_usd, self.top, self.day_usd, self.sigma_day)

    def stop_slip_frac(self, notional_usd: float) -> float:
        """Return the slippage planned for a stop: the worst of book, gap and configuration."""
        planned = max(self.stop_slip_bps * 1e-4, self.gap_frac)
        if self.day_usd is None:
            return planned
        half = self.half_spread or 0.0
        walked = stop_slip_frac(notional_usd, self.forced_usd, half, self.day_usd, self.sigma_day)
        return max(planned, walked)


def costs_of(
    state: BotState,
    policy: Policy,
    market: Market,
    instrument: Instrument,
    trade: tuple[int, float, int],
) -> Costs:
    """Return the costs of a `trade` of (sign, stop price, threat) at this market."""
    sign, stop, threat = trade
    sizing, assumed = policy.sizing, []
    paid = _funding(sizing, market, sign)
    if paid is None:
        assumed.append("funding")
        paid = sizing.funding_assumed_frac * sizing.horizon_h * 3_600.0 / FUNDING_STANDARD_S
    day = day_usd(market, policy.bar_s)
    if day is None:
        assumed.append("volume")
    top, half = _book(state, policy, market, sign)
    if top is None or day is None:
        assumed.append("slippage")
    jump = overshoot_frac(PRIOR, sign * (market.mark - stop) / market.mark)
    chance = min(sizing.gap_chance_frac * GAP_CHANCE_BY_THREAT[threat - 1], 1.0)
    return Costs(
        fee_frac=instrument.taker_fee_frac,
        entry_slip_bps=sizing.entry_slip_bps,
        stop_slip_bps=sizing.stop_slip_bps,
        gap_frac=chance * jump,
        overshoot_frac=jump,
        funding_frac=paid,
        sigma_day=sigma(market, policy.guard) / math.sqrt(365.0),
        day_usd=day,
        top=top,
        half_spread=half,
        forced_usd=_forced(state, market, sign, stop),
        assumed=tuple(assumed),
    )


def day_usd(market: Market, bar_s: int) -> float | None:
    """Return what trades in a usual day by the median bar; None with too few bars or no volume."""
    volumes = [bar.volume for bar in market.bars[-BARS_READ:]]
    if len(volumes) < BARS_MIN:
        return None
    usual = median(volumes)
    return usual * market.mark * DAY_S / bar_s if usual > 0.0 else None


def _funding(sizing: SizingPolicy, market: Market, sign: int) -> float | None:
    if market.funding_frac is None or market.funding_interval_s <= 0:
        return None
    return funding_frac(sign, market.funding_frac, market.funding_interval_s, sizing.horizon_h)


def _book(
    state: BotState, policy: Policy, market: Market, sign: int
) -> tuple[tuple[float, float] | None, float | None]:
    """Return the best price an entry meets, and half the spread; None while unknown or old."""
    age_s = (state.now_ns - market.book_received_ns) / NS_PER_S
    known = market.book_received_ns > 0 and 0.0 < market.bid <= market.ask
    if not known or age_s > policy.rules.price_stale_s:
        return None, None
    price, qty = (market.ask, market.ask_qty) if sign > 0 else (market.bid, market.bid_qty)
    half = (market.ask - market.bid) / (market.ask + market.bid)
    return (sign * (price - market.mark) / market.mark, price * qty), half


def _forced(state: BotState, market: Market, sign: int, stop: float) -> float:
    sensed = state.sensed.get(market.symbol)
    if sensed is None:
        return 0.0
    weight = sensed.weights[0 if sign > 0 else 1]
    if weight <= 0.0:
        return 0.0
    return weight * forced_usd(sensed.clusters, market.mark, stop)
