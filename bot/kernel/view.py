"""What rules may see: account and market as read-only values."""

import math

from bot.domain.policy import Policy
from bot.domain.sense import Assessment
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import shared_margin
from bot.kernel.margin import apart_frac, liquidation_price, maintenance_usd, nearer
from bot.kernel.observe.volatility import sigma
from bot.kernel.snapshot import BotState, Leg, Market, Rung, Sensed


class LegView:
    """One held leg with its market, in floats; unknown is None."""

    __slots__ = (
        "_behind_usd", "_own_liq", "_pool", "entry", "leg", "mark", "market", "notional_usd", "own",
        "policy", "qty", "rungs", "state",
    )  # fmt: skip

    def __init__(self, state: BotState, policy: Policy, leg: Leg, market: Market) -> None:
        self.state = state
        self.policy = policy
        self.leg = leg
        self.market = market
        self.qty = float(leg.qty)
        self.entry = float(leg.entry_price)
        self.mark = market.mark
        self.notional_usd = self.qty * market.mark
        self.own = leg.trade is not None and not leg.foreign
        """Whether a strategy alone opened it; what a human added to is the human's."""
        self.rungs: dict[str, Rung] = {}
        """What each rule has in force here."""
        self._behind_usd: list[float | None] = []
        """What stands behind a cross leg, once it was worked out: many rules ask for it."""
        self._own_liq: list[float | None] = []
        """Our liquidation price, once it was worked out."""
        self._pool: shared_margin.Pool | None = None

    @property
    def pool(self) -> shared_margin.Pool:
        """What shares the wallet, read when it was first asked for."""
        if self._pool is None:
            self._pool = shared_margin.Pool(self.state)
        return self._pool

    def before(self, rule: str) -> float:
        """Return the factor a rule has in force so far; 1.0: none."""
        rung = self.rungs.get(rule) or self.state.account_rungs.get(rule)
        return rung.factor if rung is not None else 1.0

    def since_ns(self, rule: str) -> int:
        """Return since when a rule has its factor in force; 0: it has none."""
        rung = self.rungs.get(rule) or self.state.account_rungs.get(rule)
        return rung.since_ns if rung is not None else 0

    @property
    def sensed(self) -> Sensed | None:
        """What the senses know of the symbol; None before they heard of it."""
        return self.state.sensed.get(self.leg.symbol)

    @property
    def assessment(self) -> Assessment | None:
        """The newest judgement of the market; None while there is none."""
        sensed = self.sensed
        return sensed.assessment if sensed is not None else None

    @property
    def upnl_usd(self) -> float:
        """Unrealised result at mark."""
        return self.leg.side.sign * self.qty * (self.mark - self.entry)

    @property
    def margin_usd(self) -> float | None:
        """Isolated margin, or for cross what stands behind the leg while the others stay put."""
        if not shared_margin.is_cross(self.leg):
            own = self.leg.isolated_margin_usd
            return float(own) if own is not None and own > ZERO else None
        if not self._behind_usd:
            self._behind_usd.append(shared_margin.behind_usd(self.pool, self.leg))
        return self._behind_usd[0]

    def own_liq_price(self) -> float | None:
        """Liquidation price by our arithmetic while other contracts stand, as venues show it."""
        if not self._own_liq:
            self._own_liq.append(self._find_own_liq())
        return self._own_liq[0]

    def _find_own_liq(self) -> float | None:
        if shared_margin.is_cross(self.leg) and shared_margin.is_hedged(self.pool, self.leg):
            return shared_margin.hedged_price(self.pool, self.leg)
        margin, instrument = self.margin_usd, self.market.instrument
        if margin is None or instrument is None or not instrument.tiers:
            return None
        sign = self.leg.side.sign
        return liquidation_price(sign, self.qty, self.entry, margin, instrument.tiers)

    def joint_liq_price(self) -> float | None:
        """The mark that liquidates when all cross legs move against this one; None: alone."""
        if not shared_margin.is_cross(self.leg) or len(self.pool.sharing) <= 1:
            return None
        return shared_margin.joint_price(self.pool, self.policy.guard, self.leg)

    def liq_price(self) -> float | None:
        """Liquidation price: ours (alone or jointly) or the venue's, whichever is nearest."""
        ours = nearer(self.own_liq_price(), self.joint_liq_price(), self.mark)
        return nearer(ours, self._told_liq_price, self.mark)

    @property
    def _told_liq_price(self) -> float | None:
        """What the venue shows, but where a cross leg would gain: there our arithmetic decides.

        A hedge has one price for both legs, and a leg alone may still carry the hedge's.
        """
        told = self.leg.venue_liq_price
        if told is None:
            return None
        price = float(told)
        gains_there = self.leg.side.sign * (price - self.mark) > 0.0
        if gains_there and shared_margin.is_cross(self.leg):
            known = self.margin_usd is not None and self.market.instrument is not None
            if known or shared_margin.is_outweighed(self.state, self.leg):
                return None
        return price

    def liq_apart_frac(self) -> float | None:
        """How far our liquidation price and the venue's lie apart, of the mark; None: not both."""
        return apart_frac(self.own_liq_price(), self._told_liq_price, self.mark)

    def liq_distance_frac(self) -> float | None:
        """Adverse move to liquidation as a share of the mark; None: no such price or unknown."""
        price = self.liq_price()
        if price is None or self.mark <= 0.0:
            return None
        return self.leg.side.sign * (self.mark - price) / self.mark

    def margin_ratio(self) -> float | None:
        """Maintenance over equity, of the leg or of all that share the wallet with it.

        1 is liquidation at every venue, whatever it prints; None unknown.
        """
        if shared_margin.is_cross(self.leg):
            return shared_margin.ratio(self.pool)
        margin = self.margin_usd
        instrument = self.market.instrument
        if margin is None or instrument is None or not instrument.tiers or self.mark <= 0.0:
            return None
        own_equity = margin + self.upnl_usd
        if own_equity <= 0.0:
            return float("inf")
        return maintenance_usd(self.notional_usd, instrument.tiers) / own_equity

    @property
    def atr_day(self) -> float | None:
        """Daily range scaled from the hourly ATR; None until an hour has closed."""
        if self.market.atr_1h_count == 0:
            return None
        return self.market.atr_1h * math.sqrt(24.0)

    @property
    def sigma(self) -> float:
        """Annual volatility that sizes exposure."""
        return sigma(self.market, self.policy.guard)


def held(state: BotState, policy: Policy, symbol: str = "") -> list[LegView]:
    """Return every held leg (of a symbol, if one is named) whose mark is known."""
    views = []
    for leg in state.legs.values():
        if symbol in ("", leg.symbol) and leg.qty > ZERO:
            market = state.markets.get(leg.symbol)
            if market is not None and market.mark > 0.0:
                views.append(LegView(state, policy, leg, market))
    return views


def own_open_usd(state: BotState, policy: Policy) -> float:
    """Return the open result of the strategies' legs, less the fees of closing them."""
    total = 0.0
    for view in held(state, policy):
        if view.own:
            instrument = view.market.instrument
            fee = instrument.taker_fee_frac if instrument is not None else 0.0
            total += view.upnl_usd - fee * view.notional_usd
    return total


def price_age_s(state: BotState, market: Market) -> float:
    """Return seconds since the newest mark was received; infinity when there is none."""
    if market.mark_received_ns == 0:
        return float("inf")
    return (state.now_ns - market.mark_received_ns) / NS_PER_S
