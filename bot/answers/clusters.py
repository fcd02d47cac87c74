"""Answers `clusters`: how much is forced if price gets there, and how well the map has done."""

from bot.answers.question import Answered, Question, iso, rounded
from bot.answers.sensed import asked, atr_1h, price_of
from bot.kernel.assess.now import depth_guess_usd
from bot.kernel.clusters import outlook, realised, score
from bot.kernel.clusters.map import totals, warmth
from bot.kernel.clusters.outlook import Cluster, Within
from bot.kernel.clusters.score import SideScore
from bot.kernel.clusters.state import ClusterMap
from bot.kernel.snapshot import Sensed

NAME = "clusters"
SHOWN = 12
NOTE = "An estimate of what is forced if price reaches a place, never of where price goes."


def answer(question: Question) -> Answered:
    """Return clusters, mass within reach, and the score; qty in coins, distances as shares."""
    return {
        "as_of": iso(question.state.now_ns),
        "note": NOTE,
        "clusters": [_row(question, symbol, sensed) for symbol, sensed in asked(question)],
    }


def _row(question: Question, symbol: str, sensed: Sensed) -> Answered:
    state, price = sensed.clusters, price_of(question, symbol, sensed)
    both = score.score(sensed.score)
    told: Answered = {
        "symbol": symbol,
        "price": price,
        "warmth": rounded(warmth(state, question.state.now_ns), 3),
        "weight_long": rounded(sensed.weights[0], 3),
        "weight_short": rounded(sensed.weights[1], 3),
        "score_long": _score(both.longs),
        "score_short": _score(both.shorts),
    }
    if price is None or state.bars == 0:
        return {**told, "estimated": [], "realised": [], "within": []}
    found = outlook.clusters(state, price, atr_1h(question, symbol))
    near = sorted(found, key=lambda each: abs(each.distance_frac))[:SHOWN]
    spent = sorted(realised.clusters(sensed.spent, price), key=lambda each: -each.usd)[:SHOWN]
    longs, shorts = totals(state)
    market = question.state.markets.get(symbol)
    depth_usd = depth_guess_usd(market, question.policy) if market is not None else 0.0
    return {
        **told,
        "long_qty": rounded(longs, 3),
        "short_qty": rounded(shorts, 3),
        "depth_guess_usd": rounded(depth_usd, 0) if depth_usd > 0.0 else None,
        "estimated": [_cluster(each) for each in sorted(near, key=lambda each: -each.price)],
        "realised": [_cluster(each) for each in sorted(spent, key=lambda each: -each.price)],
        "within": [_within(state, price, each, depth_usd) for each in outlook.within(state, price)],
    }


def _within(state: ClusterMap, price: float, each: Within, depth_usd: float) -> Answered:
    """K is what is forced over what stands for the book; None while no volume is known."""
    down = outlook.forced_usd(state, price, price * (1.0 - each.frac))
    up = outlook.forced_usd(state, price, price * (1.0 + each.frac))
    known = depth_usd > 0.0
    return {
        "within_frac": each.frac,
        "long_qty": rounded(each.long_qty, 3),
        "short_qty": rounded(each.short_qty, 3),
        "imbalance": rounded(each.imbalance, 3),
        "forced_down_usd": rounded(down, 0),
        "forced_up_usd": rounded(up, 0),
        "k_down": rounded(down / depth_usd, 3) if known else None,
        "k_up": rounded(up / depth_usd, 3) if known else None,
    }


def _cluster(each: Cluster) -> Answered:
    return {
        "side": "longs" if each.is_long else "shorts",
        "price": rounded(each.price, 2),
        "low": rounded(each.low, 2),
        "high": rounded(each.high, 2),
        "qty": rounded(each.qty, 3),
        "usd": rounded(each.usd, 0),
        "distance_frac": rounded(each.distance_frac, 5),
        "distance_atr": rounded(each.distance_atr, 2),
    }


def _score(side: SideScore | None) -> Answered | None:
    """None: too few hours are known to judge the map."""
    if side is None:
        return None
    return {
        "hours": side.hours,
        "partial": rounded(side.partial, 3),
        "random": rounded(side.random, 3),
        "plain": rounded(side.plain, 3),
        "excursion": rounded(side.excursion, 3),
    }
