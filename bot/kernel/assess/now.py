"""Judges one symbol as it now stands; what changed enters the story with its evidence."""

from bot.domain.policy import Policy
from bot.domain.risk import Severity
from bot.domain.sense import RESET, Assessment
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.assess import judge, words
from bot.kernel.clusters import outlook
from bot.kernel.desk import Desk
from bot.kernel.snapshot import Market, Sensed

ALARMING = 4
HOUR_S = NS_PER_H // NS_PER_S


def judge_now(desk: Desk, sensed: Sensed, now_ns: int) -> None:
    """Judge a symbol; what changed enters the story with its evidence."""
    before = sensed.assessment
    potential = _potential(desk, sensed)
    found = judge.assess(sensed.senses, now_ns, desk.policy.sense, potential=potential)
    sensed.assessment = found
    _tell(desk, before, found)


def _potential(desk: Desk, sensed: Sensed) -> float | None:
    """Return what a fall of an hour's range forces over what the book takes (K); None: untrusted.

    The map speaks only with the weight its score has earned.
    """
    market = desk.state.markets.get(sensed.senses.symbol)
    weight, price = sensed.weights[0], sensed.senses.price.close
    if weight <= 0.0 or market is None or not market.atr_1h_count or price <= 0.0:
        return None
    depth_usd = depth_guess_usd(market, desk.policy)
    if depth_usd <= 0.0:
        return None
    target = max(price - market.atr_1h, 0.5 * price)
    return weight * outlook.forced_usd(sensed.clusters, price, target) / depth_usd


def depth_guess_usd(market: Market, policy: Policy) -> float:
    """Return the share of an hour's volume that stands for the book, USD; 0.0 while unknown.

    Of the book itself only the top is heard.
    """
    count = max(HOUR_S // policy.bar_s, 1)
    bars = market.bars[-count:]
    if not bars:
        return 0.0
    hour_usd = sum(bar.volume * bar.close for bar in bars) * count / len(bars)
    return hour_usd * policy.rules.cluster_volume_share


def _tell(desk: Desk, before: Assessment | None, found: Assessment) -> None:
    old = before.threat if before is not None else 1
    if found.threat != old:
        why = "; ".join((*words.evidence(found), *found.floor_reasons)) or "pressure has eased"
        desk.record("threat", found.symbol, words.headline(found), why, measured=f"was {old}")
        if found.threat >= ALARMING > old:
            text = f"{found.symbol}: {words.headline(found)}. {why}."
            desk.notify(Severity.WARNING, "threat", text, found.symbol)
    if before is None:
        return
    if found.cascade != before.cascade:
        desk.record(
            "cascade", found.symbol, f"forced selling is {found.cascade}",
            found.cascade_words, measured=f"was {before.cascade}",
        )  # fmt: skip
    if found.flush.state != before.flush.state and RESET in (found.flush.state, before.flush.state):
        desk.record(
            "flush", found.symbol, f"leverage: {found.flush.state}",
            "; ".join(found.flush.evidence) or "its signs have gone",
            measured=f"completeness {found.flush.completeness:.2f}",
        )  # fmt: skip
