"""Each strategy wishes what it says, long and short, and nothing else."""

from pathlib import Path

import pytest

from bot.app.trying.discover import find_strategies
from bot.domain.orders import PositionSide
from tests.fakes.strategy_scene import flat, judged, mirrored, named, scene

ROOT = Path(__file__).resolve().parents[3]
P = 76_000.0
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
SIDES = pytest.mark.parametrize("side", [LONG, SHORT])
STATE = {
    "level_bounce": ("HELD", "touched and held"),
    "failed_break": ("HELD", "swept, reclaimed and held"),
    "level_break": ("RETEST_REJECTED", "broken and held"),
    "rally_fade": ("TOUCHED", ""),
}


BARS = [*flat(P + 150.0, 20, 40.0), (P + 60.0, P + 180.0, P - 30.0, P + 150.0)]


def at(side: PositionSide, gain: float) -> float:
    """The price that lies `gain` on the profit side of the traded zone."""
    return P + side.sign * gain


def path(side: PositionSide, rows):
    return rows if side is LONG else mirrored(rows, P)


def targets(side: PositionSide):
    """Two zones on the way, and one behind."""
    return [
        named(*sorted((at(side, gain), at(side, gain + 100.0))), -side.sign)
        for gain in (2_000.0, 4_000.0)
    ]


def zone_of(name: str, side: PositionSide, **more):
    state, note = STATE.get(name, ("FAR", ""))
    given = {"state": state, "note": note, "changed": True, "extreme": at(side, -150.0)} | more
    return named(*sorted((at(side, -100.0), at(side, 0.0))), side.sign, **given)


def hours_for(name: str, side: PositionSide):
    if name == "reclaim_hold":
        return path(side, [*flat(P - 500.0, 30, 200.0), *flat(P + 300.0, 3, 100.0)])
    if name == "rally_fade":  # a trend with a counter-move to the zone
        rise = [(P - 4_000 + 100 * i, P - 3_900 + 100 * i, P - 4_100 + 100 * i, P - 4_000 + 100 * i)
                for i in range(60)]  # fmt: skip
        return path(side, [*rise, (P + 1_900.0, P + 2_000.0, P - 50.0, P + 100.0)])
    fall = [*flat(P + 500.0, 30, 200.0), (P + 400.0, P + 450.0, P - 150.0, P - 50.0)]
    return path(side, [*fall, (P - 50.0, P + 600.0, P - 60.0, P + 550.0)])


def case(name: str, side: PositionSide, **more):
    """A scene in which a strategy has what it waits for."""
    facts = {
        "sd": 0.02, "drop_48h": 0.06, "rise_48h": 0.06, "oi_change": -0.05, "oi_sd": 0.025,
        "funding_8h": -side.sign * 3e-4, "funding_med": 0.0, "funding_sd": 1e-4,
    }  # fmt: skip
    reset = {"flush" if side is LONG else "flush_short": "LEVERAGE_RESET", "cascade": "AFTERMATH"}
    given = {
        "bars": path(side, BARS),
        "hours": hours_for(name, side),
        "zones": [zone_of(name, side), *targets(side)],
        "assessment": judged(**facts, **(reset if name == "reset_reversal" else {})),
    }  # fmt: skip
    return scene(**(given | more))


def wishes(name: str, view):
    (strategy,) = find_strategies(ROOT / "strategies", [name])
    return strategy.evaluate(view, strategy.start())[1]


NAMES = pytest.mark.parametrize(
    "name",
    ["level_bounce", "failed_break", "level_break", "rally_fade", "reclaim_hold",
     "funding_squeeze", "reset_reversal"],
)  # fmt: skip


@NAMES
@SIDES
def test_the_setup_is_wished_with_stop_targets_and_a_reason(name, side) -> None:
    (wish,) = wishes(name, case(name, side))
    assert wish.side is side
    assert side.sign * (at(side, -100.0) - wish.stop_price) > 0.0, "beyond the zone"
    way = [*wish.exits.partials, wish.target_price]
    assert way == [at(side, 2_000.0), at(side, 4_000.0)]
    assert wish.exits.life_s > 0.0
    assert wish.exits.break_even_r == 1.0
    assert wish.reason
    assert wish.signal_id.startswith(f"{name}|BTC/USDT:USDT|")


@NAMES
@SIDES
def test_threat_and_running_cascades_block_it(name, side) -> None:
    free = case(name, side).assessment
    assert free is not None
    threats = {"threat": 4} if side is LONG else {"threat_short": 4}
    facts = {key: getattr(free.facts, key) for key in free.facts.__struct_fields__}
    flush = {"flush": free.flush.state, "flush_short": free.flush_short.state}
    high = judged(**threats, **facts, **flush, cascade=free.cascade)
    running = judged(**facts, **flush, cascade="ACTIVE")
    assert wishes(name, case(name, side, assessment=high)) == ()
    assert wishes(name, case(name, side, assessment=running)) == ()
    assert wishes(name, case(name, side, assessment=None)) == ()


@NAMES
@SIDES
def test_threat_to_the_other_side_does_not_block(name, side) -> None:
    free = case(name, side).assessment
    facts = {key: getattr(free.facts, key) for key in free.facts.__struct_fields__}
    other = {"threat_short": 5} if side is LONG else {"threat": 5}
    found = judged(
        **other, **facts, flush=free.flush.state, flush_short=free.flush_short.state,
        cascade=free.cascade,
    )  # fmt: skip
    assert len(wishes(name, case(name, side, assessment=found))) == 1


@NAMES
@SIDES
def test_without_a_zone_on_the_way_there_is_nothing_to_earn(name, side) -> None:
    alone = [zone_of(name, side)]
    assert wishes(name, case(name, side, zones=alone)) == ()


@pytest.mark.parametrize("name", ["level_bounce", "failed_break", "level_break", "rally_fade"])
@SIDES
def test_price_that_has_run_away_is_not_chased(name, side) -> None:
    far = path(side, [*flat(P + 900.0, 20, 40.0), (P + 800.0, P + 950.0, P + 700.0, P + 900.0)])
    assert wishes(name, case(name, side, bars=far)) == ()


@pytest.mark.parametrize("name", ["level_bounce", "failed_break"])
def test_a_hold_is_traded_at_its_own_bar_alone(name) -> None:
    late = [zone_of(name, LONG, changed=False, bars_in_state=1), *targets(LONG)]
    assert wishes(name, case(name, LONG, zones=late)) == ()


def test_a_touch_is_no_failed_break() -> None:
    touched = [zone_of("level_bounce", LONG), *targets(LONG)]
    assert wishes("failed_break", case("failed_break", LONG, zones=touched)) == ()


@SIDES
def test_a_failed_break_fills_the_gap_first(side) -> None:
    gap = [(P + 1_500, P + 1_600, P + 1_400, P + 1_450), (P + 1_450, P + 1_460, P + 700, P + 750),
           (P + 750, P + 900, P + 600, P + 700)]  # fmt: skip
    view = case("failed_break", side, hours=path(side, [*flat(P + 1_500, 20, 100.0), *gap]))
    (wish,) = wishes("failed_break", view)
    assert wish.exits.partials == (at(side, 1_400.0),)
    assert wish.target_price == at(side, 2_000.0)


@SIDES
def test_a_retest_counts_once_however_late_it_is_seen(side) -> None:
    name = "level_break"
    now = case(name, side)
    later = scene(
        bars=path(side, BARS),
        zones=[zone_of(name, side, changed=False, bars_in_state=2), *targets(side)],
        assessment=judged(), close_ns=now.close_ns + 600 * 10**9,
    )  # fmt: skip
    assert wishes(name, now)[0].signal_id == wishes(name, later)[0].signal_id
    old = [zone_of(name, side, changed=False, bars_in_state=4), *targets(side)]
    assert wishes(name, case(name, side, zones=old)) == ()


@SIDES
def test_a_rally_is_faded_with_the_trend_only(side) -> None:
    against = hours_for("rally_fade", SHORT if side is LONG else LONG)
    assert wishes("rally_fade", case("rally_fade", side, hours=against)) == ()


@SIDES
def test_a_reclaim_must_hold_every_hour(side) -> None:
    rows = hours_for("reclaim_hold", LONG)
    broken = [*rows[:-2], (P, P + 100.0, P - 300.0, P - 200.0), rows[-1]]
    view = case("reclaim_hold", side, hours=path(side, broken))
    assert wishes("reclaim_hold", view) == ()


@SIDES
@pytest.mark.parametrize(
    "change",
    [{"funding_sd": 1e-2}, {"oi_change": 0.2}, {"drop_48h": 0.01, "rise_48h": 0.01}],
    ids=["nobody is crowded", "a new crowd", "no flush"],
)
def test_a_squeeze_needs_crowd_and_flush(side, change) -> None:
    free = case("funding_squeeze", side).assessment
    facts = {key: getattr(free.facts, key) for key in free.facts.__struct_fields__} | change
    view = case("funding_squeeze", side, assessment=judged(**facts))
    assert wishes("funding_squeeze", view) == ()


@SIDES
@pytest.mark.parametrize("cascade", ["CALM", "BUILDUP", "ACTIVE"])
def test_a_reset_is_answered_only_once_it_subsides(side, cascade) -> None:
    flush = {"flush" if side is LONG else "flush_short": "LEVERAGE_RESET"}
    view = case("reset_reversal", side, assessment=judged(cascade=cascade, **flush))
    assert wishes("reset_reversal", view) == ()


def test_a_reset_is_remembered_for_half_a_day_and_not_longer() -> None:
    (strategy,) = find_strategies(ROOT / "strategies", ["reset_reversal"])
    memory, _ = strategy.evaluate(case("reset_reversal", LONG), strategy.start())
    calm = judged(cascade="AFTERMATH")
    for hours, count in ((11, 1), (13, 0)):
        close_ns = case("reset_reversal", LONG).close_ns + hours * 3_600 * 10**9
        view = case("reset_reversal", LONG, assessment=calm, close_ns=close_ns)
        assert len(strategy.evaluate(view, memory)[1]) == count
