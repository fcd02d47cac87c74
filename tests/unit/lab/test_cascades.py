"""Generated cascades: drawn alike for one seed, fitted to what was recorded, judged with doubt."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.market import MarkPrice
from bot.domain.messages import TimerFired
from bot.domain.policy import Policy
from bot.lab.options import Silence
from bot.lab.pool import spread
from bot.lab.synthetic.cascades import GAP_FRAC, HEDGES_FROM, KINDS, cascade, seeds_of
from bot.lab.synthetic.hazard import DEFAULT, drawn_jumps, fitted
from bot.lab.synthetic.shares import (
    Trial,
    judged,
    live_through,
    percentiles,
    play_cascade,
    record_of,
    run_trials,
    share,
)
from tests.fakes.pool_jobs import dies_always, dies_once

BTC = "BTC/USDT:USDT"


def trial(leverage: int = 5, hold: str = "long") -> Trial:
    return Trial(DEFAULT, Policy(), BTC, hold, leverage, "touch")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", seeds_of(len(KINDS)))
def test_one_seed_gives_one_market(seed: int) -> None:
    once, again = cascade(seed, DEFAULT, BTC), cascade(seed, DEFAULT, BTC)
    track = once.material.tracks[0]
    assert track == again.material.tracks[0]
    assert once.kind == KINDS[min(seed, len(KINDS) - 1)]
    low, high = np.array(track.low), np.array(track.high)
    for column in (track.open, track.close):
        assert bool(np.all((low <= column) & (column <= high)))
    assert track != cascade(seed + 8, DEFAULT, BTC).material.tracks[0]


def test_a_short_meets_the_same_market_upside_down() -> None:
    down, up = cascade(0, DEFAULT, BTC), cascade(0, DEFAULT, BTC, sign=-1)
    falls = np.log(np.array(down.material.tracks[0].close) / 80_000.0)
    rises = np.log(np.array(up.material.tracks[0].close) / 80_000.0)
    assert np.allclose(falls, -rises)


def test_every_kind_brings_what_it_is_named_for() -> None:
    markets = [cascade(seed, DEFAULT, BTC) for seed in seeds_of(len(KINDS))]
    found = {market.kind: market for market in markets}
    assert list(found) == list(KINDS)
    assert found["gap"].gap_frac >= GAP_FRAC * 0.99
    assert found["outage"].all_deaf
    assert found["frozen_feed"].deaf_until_ns > found["frozen_feed"].deaf_from_ns > 0
    assert not found["frozen_feed"].all_deaf
    assert found["thin_depth"].slip_fast_bps > found["jumps"].slip_fast_bps
    closes = found["v_recovery"].material.tracks[0].close
    assert closes[-1] > min(closes) * 1.01
    assert max(found["funding_cap"].material.funding[BTC].rates.values()) == 0.02
    heard = {event.next_ns for _, event in found["funding_cap"].material.news}
    assert heard >= set(list(found["funding_cap"].material.funding[BTC].rates)[:-1])
    taken, track = found["adl_hedge"].adl, found["adl_hedge"].material.tracks[0]
    assert taken is not None
    at = track.open_ns.index(taken.at_ns)
    assert 1.0 - track.open[at] / 80_000.0 >= 0.45 * found["adl_hedge"].fall_frac
    assert min(track.low[at:]) == min(track.low)
    assert found["gap"].adl is None


def test_a_silence_hides_prices_or_everything() -> None:
    mark, timer = MarkPrice(BTC, 5, 5, 1.0, 1.0), TimerFired("second", 5, 5)
    assert Silence(1, 9, whole=False).hides(mark, 5)
    assert not Silence(1, 9, whole=False).hides(timer, 5)
    assert Silence(1, 9, whole=True).hides(timer, 5)
    assert not Silence(1, 9, whole=True).hides(mark, 9)


def test_a_fit_finds_the_laws_it_was_drawn_from() -> None:
    dice = np.random.Generator(np.random.PCG64(4))
    closes = []
    for _ in range(6):
        jumps = drawn_jumps(DEFAULT, 8_000, 4_000, dice)
        steps = 0.0015 * dice.standard_normal(8_000) - jumps
        closes.append((80_000.0 * np.exp(np.cumsum(steps))).tolist())
    found = fitted(closes)
    assert found.jumps > 100
    assert found.sigma_bar == pytest.approx(0.0015, rel=0.2)
    assert 0.004 < found.jump_mean < 0.016
    assert found.jump_mean == pytest.approx(DEFAULT.jump_mean, rel=0.25)
    assert found.jump_shape < 0.25
    assert 0.2 <= found.branching <= 0.8


def test_a_long_tail_is_found_and_drawn() -> None:
    """Sizes beyond a threshold have the law they were drawn from, whatever the threshold."""
    law = msgspec.structs.replace(DEFAULT, jump_floor=0.006, jump_mean=0.003, jump_shape=0.4)
    dice = np.random.Generator(np.random.PCG64(8))
    closes = []
    for _ in range(12):
        jumps = drawn_jumps(law, 8_000, 4_000, dice)
        steps = 0.0015 * dice.standard_normal(8_000) - jumps
        closes.append((80_000.0 * np.exp(np.cumsum(steps))).tolist())
    found = fitted(closes)
    assert found.jump_floor + found.jump_mean == pytest.approx(0.009, rel=0.3)
    assert 0.1 < found.jump_shape <= 0.5
    one = drawn_jumps(msgspec.structs.replace(law, branching=0.0), 60_000, 59_000, dice)
    sizes = np.abs(one[one != 0.0])
    assert float(np.median(sizes)) == pytest.approx(0.006 + 0.0018 * (2**0.4 - 1) / 0.4, rel=0.1)


def test_a_killed_worker_and_a_killed_run_lose_nothing(tmp_path: Path) -> None:
    """What a record holds is not played again, and a worker that dies is replaced."""
    straight = [live_through(trial(), seed) for seed in range(2)]
    path = tmp_path / "stress.jsonl"
    run_trials(trial(), 1, 1, lambda done: None, record_of(path, trial()))
    with path.open("ab") as file:
        file.write(b'{"leverage":5,"outc')
    told: list[int] = []
    assert run_trials(trial(), 2, 1, told.append, record_of(path, trial())) == straight
    assert run_trials(trial(), 2, 1, told.append, record_of(path, trial())) == straight
    assert told == [2]
    other = trial()._replace(hazard=msgspec.structs.replace(DEFAULT, jump_mean=0.5))
    with pytest.raises(ConfigInvalid, match="another stress"):
        run_trials(other, 2, 1, told.append, record_of(path, other))


def test_a_pool_whose_worker_is_killed_plays_the_rest_again(tmp_path: Path) -> None:
    jobs = {number: (str(tmp_path / "killed"), number) for number in range(12)}
    found = dict(spread(dies_once, jobs, 2))
    assert found == {number: number * number for number in range(12)}
    assert (tmp_path / "killed").exists()


def test_a_pool_that_breaks_again_and_again_ends_in_a_line() -> None:
    with pytest.raises(DataInvalid, match="killed one after another"):
        dict(spread(dies_always, {1: 1}, 2))


def test_too_little_to_fit_is_told_as_the_default() -> None:
    assert fitted([[100.0, 101.0, 99.0] * 5]) is DEFAULT


@pytest.mark.parametrize("hold", ["long", "short"])
def test_a_trial_is_paired_and_repeats(hold: str) -> None:
    once = live_through(trial(10, hold), 2)
    assert once == live_through(trial(10, hold), 2)
    assert once.guarded_liquidations == 0
    assert once.unguarded_liquidations == 1
    assert once.guarded_drawdown_frac < once.unguarded_drawdown_frac


def test_an_outage_at_the_low_is_lived_through_by_the_resting_stop() -> None:
    outage = live_through(trial(10), KINDS.index("outage"))
    assert outage.guarded_liquidations == 0
    assert outage.guarded_drawdown_frac < 0.30


@pytest.mark.parametrize("hold", ["long", "short"])
def test_a_hedge_whose_winner_is_taken_leaves_no_more_than_the_budget(hold: str) -> None:
    """Both sides of one wallet until half of the fall; then the loser alone."""
    given = cascade(HEDGES_FROM + 8, DEFAULT, BTC, sign=1 if hold == "long" else -1)
    assert given.adl is not None
    loser, winner = ("LONG", "SHORT") if hold == "long" else ("SHORT", "LONG")
    left: dict[bool, float] = {}
    for guard in (True, False):
        result = play_cascade(trial(5, hold), given, guard=guard)
        (taken,) = [line for line in result.story if line.kind == "adl"]
        assert taken.event_ns == given.adl.at_ns
        assert winner in taken.what
        after = [f for f in result.traces.fills if f.event_ns == taken.event_ns]
        assert [f.side for f in after][:1] == ["BUY" if winner == "SHORT" else "SELL"]
        assert loser in result.story[-1].why
        assert result.liquidations == 0
        left[guard] = result.max_drawdown_frac
    assert left[True] < 0.20 < left[False]


def test_a_judgement_counts_and_doubts() -> None:
    told: list[int] = []
    found = judged(trial(), run_trials(trial(), 4, 1, told.append))
    assert told == [1, 2, 3, 4]
    assert found["cascades"] == 4
    assert found["guarded"]["low"] == 0.0
    assert found["guarded"]["high"] > 0.1
    assert [kind["kind"] for kind in found["kinds"]] == list(KINDS[:4])


def test_a_share_has_wilsons_interval() -> None:
    half = share([True] * 5 + [False] * 5)
    assert half["low"] == pytest.approx(0.2366, abs=1e-4)
    assert half["high"] == pytest.approx(0.7634, abs=1e-4)
    assert share([])["share"] is None


def test_percentiles_lie_in_their_intervals() -> None:
    for row in percentiles([float(value) for value in range(200)]):
        assert row["low"] <= row["value"] <= row["high"]
    assert percentiles([]) == []


def test_stress_without_anything_to_play_is_refused() -> None:
    from bot.app.cli.commands.stress import stress

    with pytest.raises(ConfigInvalid, match="--synthetic"):
        stress()
