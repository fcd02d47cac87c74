"""Answers `stress-now`: what a list of shocks would leave of the account as it stands."""

from collections.abc import Iterator

from bot.answers.question import Answered, Question, iso, rounded
from bot.answers.sensed import atr_1h
from bot.answers.shocks import Shock, after, end_price, name_of
from bot.kernel.clusters import outlook
from bot.kernel.guard import floor_usd
from bot.kernel.observe.volatility import sigma
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held

NAME = "stress-now"
SIZES_FRAC = (0.05, 0.10, 0.20)
CLUSTERS_EACH = 2
NOTE = (
    "Slides fill stops where they rest, gaps at the end of the move, an outage not at all. "
    "Estimated clusters are an inference. The simulator is not the venue."
)


def answer(question: Question) -> Answered:
    """Return every shock with equity left, stops filled and liquidations; fractions and USD."""
    state, policy = question.state, question.policy
    views = held(state, policy)
    known = state.wallet_ns > 0 and state.reconciled_ns > 0
    unpriced = [
        f"{leg.symbol} {leg.side.value}"
        for leg in state.legs.values()
        if leg.qty > 0 and not any(view.leg is leg for view in views)
    ]
    peak = state.anchors.high_water_usd
    return {
        "as_of": iso(state.now_ns),
        "equity_usd": rounded(equity_usd(state), 2) if known else None,
        "floor_usd": rounded(floor_usd(state, policy), 2) if peak > 0.0 else None,
        "legs_without_price": unpriced,
        "shocks": [_row(question, views, shock) for shock in _shocks(question, views)]
        if known and views
        else [],
        "auto_deleveraging": _adl(views),
        "note": NOTE,
    }


def _row(question: Question, views: list[LegView], shock: Shock) -> Answered:
    state, policy = question.state, question.policy
    left = after(state, views, shock)
    peak = state.anchors.high_water_usd
    lost = 1.0 - left.equity_usd / peak if peak > 0.0 else None
    budget = policy.guard.loss_budget_frac
    return {
        "shock": shock.name,
        "why": shock.why,
        "prices": {view.leg.symbol: rounded(end_price(view, shock), 2) for view in views},
        "equity_usd": rounded(left.equity_usd, 2),
        "loss_frac": rounded(left.loss_frac, 5),
        "drawdown_frac": rounded(lost, 5),
        "within_budget": None if lost is None else lost <= budget,
        "closed_by_stop": left.closed_by_stop,
        "liquidated": left.liquidated,
        "still_held": left.still_held,
    }


def _shocks(question: Question, views: list[LegView]) -> Iterator[Shock]:
    """Yield moves against what is held: slides, gaps, gaps to clusters, a silent venue."""
    way = -1.0 if sum(v.leg.side.sign * v.notional_usd for v in views) >= 0.0 else 1.0
    word = "fall" if way < 0.0 else "rise"
    symbols = {view.leg.symbol for view in views}
    for size in SIZES_FRAC:
        moves = dict.fromkeys(symbols, way * size)
        yield Shock(name=f"{word} of {size:.0%}", why="every price in between trades", moves=moves)
    for size in SIZES_FRAC:
        moves = dict.fromkeys(symbols, way * size)
        yield Shock(name=f"gap of {size:.0%}", why="no price in between", moves=moves, gap=True)
    yield from _gaps_to_clusters(question, views, way)
    worst = dict.fromkeys(symbols, way * SIZES_FRAC[-1])
    yield Shock(
        name=f"outage at {way * SIZES_FRAC[-1]:+.0%}", why="the venue takes no order at the worst",
        moves=worst, silent=True,
    )  # fmt: skip


def _gaps_to_clusters(question: Question, views: list[LegView], way: float) -> Iterator[Shock]:
    """Yield gaps to the largest estimated clusters; others follow by their volatility."""
    for view in sorted(views, key=name_of):
        symbol = view.leg.symbol
        sensed = question.state.sensed.get(symbol)
        if sensed is None or sensed.clusters.bars == 0:
            continue
        found = outlook.clusters(sensed.clusters, view.mark, atr_1h(question, symbol))
        ahead = [each for each in found if each.distance_frac * way > 0.0]
        largest = sorted(ahead, key=lambda each: -each.usd)[:CLUSTERS_EACH]
        own = sigma(view.market, question.policy.guard)
        for each in sorted(largest, key=lambda c: abs(c.distance_frac)):
            moves = {
                other.leg.symbol: each.distance_frac
                * sigma(other.market, question.policy.guard)
                / own
                for other in views
            }
            moves[symbol] = each.distance_frac
            weight, millions = sensed.weights[0 if each.is_long else 1], each.usd / 1e6
            yield Shock(
                name=f"gap to the cluster at {each.price:,.0f}",
                why=f"{symbol}: {millions:,.1f}m USD estimated there, map weight {weight:.2f}",
                moves=moves, gap=True,
            )  # fmt: skip


def _adl(views: list[LegView]) -> list[Answered]:
    """Return what is left bare when the winning leg of a hedge is taken away by the venue."""
    rows: list[Answered] = []
    for view in views:
        twin = next(
            (
                other
                for other in views
                if other.leg.symbol == view.leg.symbol and other.leg.side is not view.leg.side
            ),
            None,
        )
        if twin is None or view.upnl_usd <= twin.upnl_usd:
            continue
        rows.append(
            {
                "symbol": view.leg.symbol,
                "vanishes": view.leg.side.value,
                "left": twin.leg.side.value,
                "net_usd_before": rounded(abs(view.notional_usd - twin.notional_usd), 2),
                "net_usd_after": rounded(twin.notional_usd, 2),
                "left_liq_distance_frac": rounded(twin.liq_distance_frac(), 5),
            }
        )
    return rows
