"""What stands behind cross legs: one wallet for all, and all of them falling together."""

from bot.domain.account import MarginMode
from bot.domain.instrument import MarginTier
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


def wallet_usd(state: BotState) -> float | None:
    """Return the wallet less the margin of isolated legs; None while one of these is not told."""
    total = float(state.wallet_usd)
    for leg in state.legs.values():
        if leg.qty > ZERO and not is_cross(leg):
            if leg.isolated_margin_usd is None:
                return None
            total -= float(leg.isolated_margin_usd)
    return total


def _crossed(state: BotState) -> list[tuple[Leg, Market]]:
    """Return held cross legs with a mark and known tiers."""
    out = []
    for leg in state.legs.values():
        if leg.qty > ZERO and is_cross(leg):
            market = state.markets.get(leg.symbol)
            if market is not None and market.mark > 0.0 and market.instrument is not None:
                out.append((leg, market))
    return out


def _standing_usd(leg: Leg, market: Market) -> tuple[float, float]:
    """Return (unrealised result, maintenance) of a leg at its mark."""
    qty = float(leg.qty)
    result = leg.side.sign * qty * (market.mark - float(leg.entry_price))
    tiers = _tiers(market)
    return result, maintenance_usd(qty * market.mark, tiers) if tiers else 0.0


def behind_usd(state: BotState, leg: Leg) -> float | None:
    """Return what stands behind a cross leg while every other leg stays where it is."""
    total = wallet_usd(state)
    if total is None:
        return None
    for other, market in _crossed(state):
        if other is not leg:
            result, needed = _standing_usd(other, market)
            total += result - needed
    return total


def ratio(state: BotState) -> float | None:
    """Return maintenance over equity of everything that shares the wallet; None: not known."""
    equity = wallet_usd(state)
    if equity is None:
        return None
    needed = 0.0
    for leg, market in _crossed(state):
        if not _tiers(market):
            return None
        result, maintenance = _standing_usd(leg, market)
        equity += result
        needed += maintenance
    return needed / equity if equity > 0.0 else float("inf")


def joint_price(state: BotState, guard: GuardPolicy, leg: Leg) -> float | None:
    """Return the mark of a cross leg at which a move of all prices against it liquidates.

    Others move by their volatility over the leg's own. None: no such price, or not known; a leg
    alone in the wallet has its plain liquidation price.
    """
    legs = _crossed(state)
    own = next((market for other, market in legs if other is leg), None)
    wallet = wallet_usd(state)
    if own is None or wallet is None or not all(_tiers(market) for _, market in legs):
        return None
    exposed = [_exposed(other, market, leg, own, guard) for other, market in legs]
    return _price(leg, own, joint_shock_frac(wallet, exposed, -leg.side.sign))


def hedged_price(state: BotState, leg: Leg) -> float | None:
    """Return the mark that liquidates a cross leg held together with its opposite side.

    What other contracts stand for stays as it is: this is what a venue shows in hedge mode.
    """
    wallet = wallet_usd(state)
    exposed = []
    own: Market | None = None
    for other, market in _crossed(state):
        own = market if other is leg else own
        if other.symbol == leg.symbol:
            sign, qty, entry = other.side.sign, float(other.qty), float(other.entry_price)
            exposed.append(Exposed(sign, qty, entry, market.mark, 1.0, _tiers(market)))
        elif wallet is not None:
            result, needed = _standing_usd(other, market)
            wallet += result - needed
    if own is None or wallet is None or not _tiers(own):
        return None
    return _price(leg, own, joint_shock_frac(wallet, exposed, -leg.side.sign))


def is_hedged(state: BotState, leg: Leg) -> bool:
    """Whether the other side of the same contract is held out of the same wallet."""
    return any(
        other is not leg and other.symbol == leg.symbol and other.qty > ZERO and is_cross(other)
        for other in state.legs.values()
    )


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


def _tiers(market: Market) -> tuple[MarginTier, ...]:
    return market.instrument.tiers if market.instrument is not None else ()


def _exposed(other: Leg, market: Market, leg: Leg, own: Market, guard: GuardPolicy) -> Exposed:
    beta = 1.0
    if other.symbol != leg.symbol:
        beta = min(max(sigma(market, guard) / sigma(own, guard), BETA_MIN), BETA_MAX)
        if other.side is not leg.side:
            beta *= HEDGE_MAX
    sign, qty = other.side.sign, float(other.qty)
    return Exposed(sign, qty, float(other.entry_price), market.mark, beta, _tiers(market))
