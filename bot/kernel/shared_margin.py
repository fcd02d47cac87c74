"""What stands behind cross legs: one wallet for all, and all of them falling together."""

import msgspec

from bot.domain.account import MarginMode
from bot.domain.instrument import MarginTier
from bot.domain.orders import PositionSide
from bot.domain.policy import GuardPolicy
from bot.domain.units import ZERO
from bot.kernel.margin import Exposed, joint_shock_frac, maintenance_usd
from bot.kernel.observe.volatility import sigma
from bot.kernel.snapshot import BotState, Leg, Market

BETA_MIN, BETA_MAX = 0.5, 3.0
"""A contract that hardly moved lately still follows a crash."""
HEDGE_MAX = 0.4
"""Of what a leg of another contract would gain in the shock, so much is counted on."""


def is_cross(leg: Leg) -> bool:
    """Whether a leg shares the wallet; one whose mode was not told is taken to."""
    walled = leg.isolated_margin_usd is not None and leg.isolated_margin_usd > ZERO
    return not walled and leg.margin_mode is not MarginMode.ISOLATED


class Standing(msgspec.Struct, frozen=True):
    """A held cross leg with a mark and a known contract, in floats."""

    leg: Leg
    market: Market
    sign: int
    qty: float
    entry: float
    tiers: tuple[MarginTier, ...]
    result_usd: float
    """Unrealised, at its mark."""
    needed_usd: float
    """Maintenance; 0.0 while its tiers are not known."""


class Pool:
    """What shares the wallet at one instant: read once, then asked by many rules."""

    __slots__ = ("legs", "sharing", "wallet_usd")

    def __init__(self, state: BotState) -> None:
        free_usd: float | None = float(state.wallet_usd)
        self.sharing: list[Leg] = []
        """Every held cross leg, whether or not it can be judged."""
        for leg in state.legs.values():
            if leg.qty > ZERO:
                if is_cross(leg):
                    self.sharing.append(leg)
                elif leg.isolated_margin_usd is None:
                    free_usd = None
                elif free_usd is not None:
                    free_usd -= float(leg.isolated_margin_usd)
        self.wallet_usd = free_usd
        """The wallet less the margin of isolated legs; None while one of these is not told."""
        markets = state.markets
        self.legs = [
            _standing(leg, market)
            for leg in self.sharing
            if (market := markets.get(leg.symbol)) is not None
            and market.mark > 0.0
            and market.instrument is not None
        ]


def wallet_usd(state: BotState) -> float | None:
    """Return the wallet less the margin of isolated legs; None while one of these is not told."""
    return Pool(state).wallet_usd


def _standing(leg: Leg, market: Market) -> Standing:
    sign = 1 if leg.side is PositionSide.LONG else -1
    qty, entry, mark = float(leg.qty), float(leg.entry_price), market.mark
    tiers = market.instrument.tiers if market.instrument is not None else ()
    needed = maintenance_usd(qty * mark, tiers) if tiers else 0.0
    return Standing(leg, market, sign, qty, entry, tiers, sign * qty * (mark - entry), needed)


def behind_usd(pool: Pool, leg: Leg) -> float | None:
    """Return what stands behind a cross leg while every other leg stays where it is."""
    total = pool.wallet_usd
    if total is None:
        return None
    for other in pool.legs:
        if other.leg is not leg:
            total += other.result_usd - other.needed_usd
    return total


def ratio(pool: Pool) -> float | None:
    """Return maintenance over equity of everything that shares the wallet; None: not known."""
    equity = pool.wallet_usd
    if equity is None:
        return None
    needed = 0.0
    for each in pool.legs:
        if not each.tiers:
            return None
        equity += each.result_usd
        needed += each.needed_usd
    return needed / equity if equity > 0.0 else float("inf")


def joint_price(pool: Pool, guard: GuardPolicy, leg: Leg) -> float | None:
    """Return the mark of a cross leg at which a move of all prices against it liquidates.

    Others move by their volatility over the leg's own. None: no such price, or not known; a leg
    alone in the wallet has its plain liquidation price.
    """
    wallet = pool.wallet_usd
    own = next((each.market for each in pool.legs if each.leg is leg), None)
    if own is None or wallet is None or not all(each.tiers for each in pool.legs):
        return None
    own_sigma = sigma(own, guard)
    exposed = [_exposed(each, leg, own_sigma, guard) for each in pool.legs]
    return _price(leg, own, joint_shock_frac(wallet, exposed, -leg.side.sign))


def hedged_price(pool: Pool, leg: Leg) -> float | None:
    """Return the mark that liquidates a cross leg held together with its opposite side.

    What other contracts stand for stays as it is: this is what a venue shows in hedge mode.
    """
    wallet = pool.wallet_usd
    exposed = []
    own: Standing | None = None
    for each in pool.legs:
        market = each.market
        own = each if each.leg is leg else own
        if each.leg.symbol == leg.symbol:
            tiers = each.tiers
            exposed.append(Exposed(each.sign, each.qty, each.entry, market.mark, 1.0, tiers))
        elif wallet is not None:
            wallet += each.result_usd - each.needed_usd
    if own is None or wallet is None or not own.tiers:
        return None
    return _price(leg, own.market, joint_shock_frac(wallet, exposed, -leg.side.sign))


def is_hedged(pool: Pool, leg: Leg) -> bool:
    """Whether the other side of the same contract is held out of the same wallet."""
    symbol = leg.symbol
    return any(other is not leg and other.symbol == symbol for other in pool.sharing)


def is_outweighed(state: BotState, leg: Leg) -> bool:
    """Whether the other side of the same contract, out of the same wallet, is at least as large."""
    return is_cross(leg) and any(
        other is not leg
        and other.symbol == leg.symbol
        and other.qty >= leg.qty > ZERO
        and is_cross(other)
        for other in state.legs.values()
    )


def _price(leg: Leg, own: Market, move: float | None) -> float | None:
    if move is None:
        return None
    price = own.mark * (1.0 - leg.side.sign * move)
    return price if price > 0.0 else None


def _exposed(other: Standing, leg: Leg, own_sigma: float, guard: GuardPolicy) -> Exposed:
    beta, market = 1.0, other.market
    if other.leg.symbol != leg.symbol:
        beta = sigma(market, guard) / own_sigma
        if not BETA_MIN <= beta <= BETA_MAX:
            beta = min(max(beta, BETA_MIN), BETA_MAX)
        if other.leg.side is not leg.side:
            beta *= HEDGE_MAX
    return Exposed(other.sign, other.qty, other.entry, market.mark, beta, other.tiers)
