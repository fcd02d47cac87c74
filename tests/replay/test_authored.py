"""Replays of made-up bars: the guard saves what dies without it, and nothing looks ahead."""

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_S
from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.news import FundingPlan
from bot.lab.options import ReplayOptions, ReplayResult
from bot.lab.replay import replay_material

BTC = "BTC/USDT:USDT"
BARS = 600


def played(*, bars: int = BARS, seed: int = 3, fall_frac: float = 0.3, **more) -> ReplayResult:
    track = authored_track(BTC, bars=bars, seed=seed, fall_frac=fall_frac)
    options = ReplayOptions(data=Path("authored"), **({"hold": "long", "leverage": 5} | more))
    return replay_material(authored_material([track]), options)


@pytest.mark.parametrize("hold", ["long", "short"])
def test_the_guard_brings_through_what_is_liquidated_without_it(hold: str) -> None:
    fall = 0.3 if hold == "long" else -0.3
    bare = played(hold=hold, fall_frac=fall, guard=False)
    assert bare.liquidations == 1
    assert bare.return_frac < -0.98
    assert bare.delever_actions == 0
    guarded = played(hold=hold, fall_frac=fall)
    assert guarded.liquidations == 0
    assert guarded.max_drawdown_frac <= 0.20
    assert guarded.unprotected_s_max == 0.0
    assert guarded.delever_actions >= 1
    assert all(line.why and line.price > 0.0 for line in guarded.actions)


@pytest.mark.parametrize("margin", list(MarginMode))
def test_the_held_position_takes_all_equity(margin: MarginMode) -> None:
    result = played(guard=False, fall_frac=0.0, margin=margin)
    opened = result.traces.fills[0]
    notional = opened.qty * opened.price
    assert opened.purpose == "hand"
    assert 4.9 * 10_000 < notional <= 50_000
    assert result.unprotected_s_max > 1_000


def test_the_money_adds_up() -> None:
    result = played(guard=False, fall_frac=0.05)
    opened = result.traces.fills[0]
    close = result.traces.bars[BTC][-1].close
    expected = 10_000 + opened.qty * (close - opened.price) - result.fees_usd + result.funding_usd
    assert abs(result.final_equity_usd - expected) < 0.01
    assert abs(result.return_frac - (result.final_equity_usd / 10_000 - 1)) < 1e-12


def test_funding_is_charged_at_its_settlements() -> None:
    track = authored_track(BTC, bars=BARS, seed=3, fall_frac=0.0)
    material = authored_material([track])
    step = 8 * 3_600 * NS_PER_S
    at = {track.open_ns[0] + n * step: 0.001 for n in (1, 2)}
    material = replace(material, funding={BTC: FundingPlan("made", 28_800, at, "made")})
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=2, guard=False)
    result = replay_material(material, options)
    qty = result.traces.fills[0].qty
    marks = {bar.event_ns: bar.close for bar in result.traces.bars[BTC]}
    paid = sum(qty * marks[ns] * 0.001 for ns in at)
    assert abs(result.funding_usd + paid) < 0.01


def test_nothing_looks_ahead() -> None:
    """The story until an instant is the same whatever comes after it."""
    whole = authored_track(BTC, bars=BARS, seed=5, fall_frac=0.25)
    cut = BARS // 2 + 7
    names = ("open_ns", "open", "high", "low", "close", "volume", "fast")
    short = replace(whole, **{name: getattr(whole, name)[:cut] for name in names})
    other = replace(short, **{
        name: getattr(short, name) + [v * 2.0 for v in getattr(whole, name)[cut:]]
        for name in ("open", "high", "low", "close")
    }, open_ns=whole.open_ns, volume=whole.volume, fast=whole.fast)  # fmt: skip
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=3)
    until = whole.open_ns[cut] - 1
    stories, fills = [], []
    for track in (whole, other):
        result = replay_material(authored_material([track]), options)
        stories.append([line for line in result.story if line.event_ns <= until])
        fills.append([fill for fill in result.traces.fills if fill.event_ns <= until])
    assert stories[0] == stories[1]
    assert fills[0] == fills[1]
    assert len(fills[0]) >= 2


def test_marks_move_stops_and_last_prices_fill_them() -> None:
    """A recorded mark that falls alone sets off the stop, which fills at the last price."""
    bars = authored_track(BTC, bars=200, seed=2, fall_frac=0.0, sigma_bar=0.0002)
    marks = replace(authored_track(BTC, bars=200, seed=2, fall_frac=0.3), is_mark=True)
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=5)
    result = replay_material(authored_material([bars, marks]), options)
    stop = next(fill for fill in result.traces.fills if fill.purpose == "STOP")
    assert stop.price > 0.98 * bars.close[-1]


def test_a_worse_stop_fill_is_never_better() -> None:
    touch, low = (played(stop_fill=kind) for kind in ("touch", "low"))
    assert low.final_equity_usd <= touch.final_equity_usd


def test_latency_beyond_the_order_way_is_not_counted_as_unprotected() -> None:
    assert played(latency_ms=1_500).unprotected_s_max == 0.0


def test_a_leverage_the_contract_does_not_know_is_one_clear_line() -> None:
    with pytest.raises(ConfigInvalid, match="--leverage 500"):
        played(leverage=500)


def test_a_wallet_too_small_to_hold_anything_is_one_clear_line() -> None:
    with pytest.raises(ConfigInvalid, match="choose another leverage or wallet"):
        played(wallet_usd=Decimal(1))


SCRIPT = """
from tests.replay.test_authored import played
print(played(bars=300).digest)
"""


def test_the_digest_does_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).resolve().parents[2]
    digests = set()
    for seed in ("1", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=env, cwd=root, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
        digests.add(done.stdout.strip())
    assert len(digests) == 1
    assert played(bars=300).digest in digests
    assert played(bars=300, seed=4).digest not in digests
