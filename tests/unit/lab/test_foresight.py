"""Strategies that cheat are found out, and honest ones are not accused."""

import math

import numpy as np
import pytest

from bot.domain.orders import PositionSide
from bot.domain.policy import LevelPolicy, LevelSpec, Policy
from bot.domain.strategy import Intent
from bot.lab import foresight
from bot.lab.material import Material
from bot.lab.news import FundingPlan
from bot.lab.options import ReplayOptions
from bot.lab.path import told_candles, track_of
from bot.simulator.contracts import CONTRACTS

BTC = "BTC/USDT:USDT"
BAR_NS = 900 * 10**9
START_NS = 1_767_225_600 * 10**9
COUNT = 480


@pytest.fixture(scope="module")
def material() -> Material:
    """Five days of a market that swings, in bars of a quarter of an hour."""
    steps = np.arange(COUNT)
    close = 76_000.0 + 900.0 * np.sin(steps / 9.0) + 300.0 * np.sin(steps / 2.3)
    first = np.concatenate(([76_000.0], close[:-1]))
    high, low = np.maximum(first, close) + 40.0, np.minimum(first, close) - 40.0
    track = track_of(
        BTC, 900, START_NS + steps * BAR_NS, (first, high, low, close), np.full(COUNT, 50.0)
    )
    return Material(
        symbols=(BTC,), instruments=tuple(c for c in CONTRACTS if c.symbol == BTC),
        tracks=[track], news=[], before=[], start_ns=START_NS,
        end_ns=START_NS + COUNT * BAR_NS, bar_s=900,
        funding={BTC: FundingPlan("binance", 28_800, {}, "none")}, caveats=[],
        told=[told_candles(track, 900)],
    )  # fmt: skip


class Honest:
    """Buys every close above the one before the last, by what it is shown alone."""

    name, needs, warmup_bars = "honest", (), 3

    def start(self):
        return {}

    def evaluate(self, view, memory):
        return memory, self.wish(view) if view.close > view.bar(2).close else ()

    def wish(self, view):
        return (
            Intent(
                symbol=view.symbol, side=PositionSide.LONG, stop_price=view.close - 500.0,
                target_price=view.close + 900.0, reason="up",
                signal_id=f"{self.name}|{view.close_ns}",
            ),
        )  # fmt: skip


class Seer(Honest):
    """Looks up the close of a day later in what it was given when it was made."""

    name = "seer"

    def __init__(self, future) -> None:
        self.future = future

    def evaluate(self, view, memory):
        later = self.future.get(view.close_ns + 96 * BAR_NS, math.inf)
        return memory, self.wish(view) if later > view.close else ()


class Dated(Honest):
    """Knows on which day it pays to buy."""

    name = "dated"

    def evaluate(self, view, memory):
        good = START_NS + 3 * 96 * BAR_NS < view.close_ns < START_NS + 4 * 96 * BAR_NS
        return memory, self.wish(view) if good else ()


class Elephant(Honest):
    """Counts every bar it ever saw, and says that three are enough."""

    name = "elephant"

    def start(self):
        return {"bars": 0}

    def evaluate(self, view, memory):
        bars = int(memory["bars"]) + 1
        return {"bars": bars}, self.wish(view) if bars % 7 == 0 else ()


@pytest.fixture(scope="module")
def findings(material):
    whole = {c.event_ns: c.close for c in material.told[0] if c is not None}
    seen: list[int] = []

    def anew():
        # what the seer is given ends where the data it is judged on end
        seen.append(1)
        known = whole if len(seen) != 2 else dict(list(whole.items())[: COUNT // 3])
        return Honest(), Seer(known), Dated(), Elephant()

    zone = LevelSpec(symbol=BTC, name="76k", low=76_000.0, high=76_000.0, known_from_ns=START_NS)
    policy = Policy(levels=LevelPolicy(book=(zone,)))
    found = foresight.check(material, ReplayOptions(data=".", policy=policy), anew, cuts=1)
    return {(each.strategy, each.check): each for each in found}


def test_an_honest_one_is_not_accused(findings) -> None:
    mine = [each for (name, _), each in findings.items() if name == "honest"]
    assert {each.check for each in mine} == {"wishes", "look-ahead", "dates", "warm-up", "history"}
    assert all(each.ok for each in mine)
    assert not findings["honest", "wishes"].words.startswith(("0", "it wished nothing"))


def test_one_that_sees_ahead_is_found(findings) -> None:
    assert not findings["seer", "look-ahead"].ok
    assert "knows what comes later" in findings["seer", "look-ahead"].words


def test_one_that_knows_dates_is_found(findings) -> None:
    assert not findings["dated", "dates"].ok
    assert findings["dated", "look-ahead"].ok
    assert findings["dated", "warm-up"].ok


def test_one_that_remembers_longer_than_it_says_is_found(findings) -> None:
    assert not findings["elephant", "warm-up"].ok
    assert "its warm-up of 3 bars" in findings["elephant", "warm-up"].words
    assert findings["elephant", "look-ahead"].ok


def test_wishes_are_compared_by_all_their_numbers() -> None:
    one = foresight.Wished(ns=5, side="LONG", stop_price=1.0, target_price=3.0, partials=(2.0,))
    assert foresight.same(one, one)
    for change in ({"ns": 6}, {"side": "SHORT"}, {"stop_price": 1.1}, {"target_price": 3.1},
                   {"partials": ()}, {"partials": (2.1,)}):  # fmt: skip
        other = foresight.Wished(**({f: getattr(one, f) for f in one.__struct_fields__} | change))
        assert not foresight.same(one, other)
