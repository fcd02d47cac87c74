"""By what trades ended: found in the journal's executions, grouped, and told in words."""

from decimal import Decimal

import msgspec
import pytest

from bot.answers.ask import Fetched, ask
from bot.answers.digest_words import words
from bot.answers.exits import UNSEEN, Ends, result_usd
from bot.answers.question import Answered, Question
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.snapshot import Trade
from tests.fakes.kernel_world import BTC, World


def trade(number: int, opened_ns: int, closed_ns: int, gain: str, *, risk: float = 50.0) -> Trade:
    return Trade(
        trade_id=f"t{number}", strategy="level_bounce", signal_id="s", symbol=BTC,
        side=PositionSide.LONG, stop_price=75_000.0, target_price=80_000.0,
        planned_qty=Decimal("0.1"), risk_usd=risk, reason="r", opened_ns=opened_ns,
        decision_id="d", entry_qty=Decimal("0.1"), entry_value_usd=Decimal(7_600),
        exit_qty=Decimal("0.1"), exit_value_usd=Decimal(7_600) + Decimal(gain),
        closed_ns=closed_ns,
    )  # fmt: skip


def row(ns: int, purpose: str | None, side: str = "SELL", **more: object) -> Answered:
    plain: Answered = {
        "event_ns": ns, "symbol": BTC, "side": side, "client_order_id": "x", "purpose": purpose,
        "is_liquidation": False, "is_adl": False,
    }  # fmt: skip
    return {**plain, **more}


def asked(world: World, name: str, rows: list[Answered], curve: list[Answered]) -> Answered:
    shelf = Fetched(rows=curve, exits=rows)
    kernel = world.kernel
    return ask(name, Question(state=kernel.state, policy=kernel.policy, shelf=shelf))


def test_the_last_execution_against_a_trade_within_its_life_ended_it() -> None:
    s = NS_PER_S
    rows = [
        row(90 * s, "STOP"), row(70 * s, "ENTRY", "BUY"), row(50 * s, "TARGET"),
        row(40 * s, "CUT"), row(10 * s, "ENTRY", "BUY"),
    ]  # fmt: skip
    ends = Ends(rows)
    assert ends.of(trade(1, 10 * s, 50 * s, "5")) == "TARGET"
    assert ends.of(trade(2, 70 * s, 90 * s, "-5")) == "STOP"
    assert ends.of(trade(3, 70 * s, 0, "0")) is None
    assert ends.of(trade(4, 200 * s, 210 * s, "0")) == UNSEEN


def test_what_no_order_of_ours_explains_is_named_for_what_it_was() -> None:
    one = trade(1, 1, 10 * NS_PER_S, "0")
    at = 9 * NS_PER_S
    assert Ends([row(at, None)]).of(one) == "hand"
    assert Ends([row(at, None, client_order_id="bw7")]).of(one) == "earlier life"
    assert Ends([row(at, None, is_liquidation=True)]).of(one) == "LIQUIDATION"
    assert Ends([row(at, "CUT", is_adl=True)]).of(one) == "ADL"


def test_trades_and_pnl_add_up_by_what_ended_them() -> None:
    world = World()
    world.account()
    now = world.later(1.0)
    state = world.kernel.state
    starts = [now - hours * NS_PER_H for hours in (40, 4, 3, 2)]
    gains = ("12", "30", "-20", "-10")
    state.closed_trades += [
        trade(n, ns, ns + NS_PER_S, gain)
        for n, (ns, gain) in enumerate(zip(starts, gains, strict=True))
    ]
    kinds = ("TARGET", "TARGET", "STOP", "STOP")
    rows = [row(ns + NS_PER_S, kind) for ns, kind in zip(starts, kinds, strict=True)][::-1]
    curve = [{"event_ns": now - 23 * NS_PER_H, "equity_usd": "9900", "wallet_usd": "9900"}]
    for name in ("trades", "pnl"):
        told = asked(world, name, rows, curve)["by_exit"]
        assert told == [
            {"left_by": "STOP", "trades": 2, "wins": 0, "result_usd": -30.0, "mean_r": -0.3},
            {"left_by": "TARGET", "trades": 2, "wins": 2, "result_usd": 42.0, "mean_r": 0.42},
        ]
    listed = asked(world, "trades", rows, curve)["trades"]
    assert isinstance(listed, list)
    assert [one["left_by"] for one in listed] == ["STOP", "STOP", "TARGET", "TARGET"]
    digest = asked(world, "digest", rows, curve)
    assert (digest["trades"], digest["wins"], digest["trades_result_usd"]) == (3, 1, 0.0)
    assert digest["change_usd"] == 100.0
    said = words(digest)
    assert "Equity 10,000.00 USD, +100.00 USD in 24 h (+1.01%)" in said
    assert "- by STOP: 2, 0 won, -30.00 USD" in said
    assert "Nothing is held." in said


def test_a_day_of_which_nothing_is_known_says_so() -> None:
    said = words(asked(World(), "digest", [], []))
    assert "has not been read yet" in said
    assert "No trade was closed" in said


def test_an_exit_that_nobody_told_brings_no_made_up_loss() -> None:
    """Half of a position went unseen: the result is that of the half whose exit is known."""
    whole = trade(1, NS_PER_S, NS_PER_H, "10")
    unseen = msgspec.structs.replace(
        whole, exit_qty=whole.exit_qty / 2, exit_value_usd=whole.exit_value_usd / 2
    )
    costs = unseen.funding_usd - unseen.fees_usd
    assert result_usd(unseen) == pytest.approx(float(5 + costs))
