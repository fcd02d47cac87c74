"""A lane folds, bounds and orders what waits; no critical alert and no count is ever lost."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.lane import TEXTS_MAX, WAITING_MAX, Lane
from bot.alerts.plan import LanePlan, QuietHours
from bot.domain.risk import Severity
from bot.ports import Alert

PLAN = LanePlan(name="x", severity=Severity.INFO)


def alert(
    kind: str = "cut", severity: Severity = Severity.WARNING, text: str = "t", **more: object
) -> Alert:
    return Alert(alert_id="a1", event_ns=1, severity=severity, kind=kind, texts=(text,), **more)


def test_the_same_kind_waits_as_one_alert_with_first_and_newest_words():
    lane = Lane(PLAN)
    for number in range(100):
        lane.add(alert(text=f"t{number}"), 0)
    lane.add(alert(symbol="BTC/USDT:USDT"), 0)
    first, second = lane.take(0)
    assert (first.count, second.count) == (100, 1)
    assert len(first.texts) == TEXTS_MAX
    assert first.texts[0] == "t0"
    assert first.texts[-1] == "t99"


def test_the_gravest_leave_first_and_a_sound_takes_no_silent_ones_along():
    lane = Lane(PLAN)
    lane.add(alert("ready", Severity.INFO, silent=True), 0)
    lane.add(alert("cut"), 0)
    lane.add(alert("coverage", Severity.CRITICAL), 0)
    assert [a.kind for a in lane.take(0)] == ["coverage", "cut"]
    lane.arrived()
    assert [a.kind for a in lane.take(0)] == ["ready"]


def test_what_did_not_arrive_waits_again_with_what_came_meanwhile():
    lane = Lane(PLAN)
    lane.add(alert(text="one"), 0)
    lane.take(0)
    lane.add(alert(text="two"), 0)
    lane.give_back()
    (again,) = lane.take(0)
    assert again.texts == ("one", "two")
    assert again.count == 2


def test_nothing_leaves_before_it_is_due():
    lane = Lane(PLAN)
    lane.add(alert(), 50)
    assert lane.take(49) == ()
    assert lane.next_due_ns() == 50
    assert len(lane.take(50)) == 1


ALERTS = st.builds(
    alert,
    st.sampled_from([f"k{n}" for n in range(150)]),
    st.sampled_from(list(Severity)),
    st.text("ab", max_size=3),
    symbol=st.sampled_from(["", "A", "B"]),
)


@given(st.lists(st.one_of(ALERTS, st.sampled_from(["take", "arrived", "back"])), max_size=600))
def test_floods_and_failures_lose_no_critical_alert(script):
    lane, told, given_ = Lane(PLAN), 0, 0
    leaving: tuple[Alert, ...] = ()
    for step in script:
        if isinstance(step, Alert):
            given_ += step.severity is Severity.CRITICAL
            lane.add(step, 0)
        elif step == "take" and not leaving:
            leaving = lane.take(0)
        elif step == "arrived":
            told += sum(a.count for a in leaving if a.severity is Severity.CRITICAL)
            lane.arrived()
            leaving = ()
        elif step == "back":
            lane.give_back()
            leaving = ()
        assert len(lane) <= WAITING_MAX + 10
    lane.give_back()
    while batch := lane.take(0):
        told += sum(a.count for a in batch if a.severity is Severity.CRITICAL)
        lane.arrived()
    assert told == given_


def test_a_critical_alert_is_never_off():
    plan = LanePlan(name="x", severity=Severity.INFO, kinds={"cut": "off", "ready": "loud"})
    assert plan.loudness("cut", Severity.WARNING) == "off"
    assert plan.loudness("cut", Severity.CRITICAL) == "silent"
    assert plan.loudness("ready", Severity.INFO) == "loud"
    high = msgspec.structs.replace(plan, severity=Severity.WARNING)
    assert high.loudness("ready", Severity.INFO) == "off"


def at(hour: int, minute: int = 0, day: int = 2) -> int:
    from datetime import UTC, datetime

    return int(datetime(2026, 2, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_quiet_hours_go_over_midnight_in_the_users_zone():
    quiet = QuietHours(zone="Europe/Berlin", from_minute=22 * 60 + 30, to_minute=7 * 60)
    assert quiet.ends_ns(at(20)) == 0
    assert quiet.ends_ns(at(21, 30)) == at(6, day=3)
    assert quiet.ends_ns(at(2)) == at(6)
    assert quiet.ends_ns(at(6)) == 0
    assert QuietHours().ends_ns(at(2)) == 0
    day = QuietHours(from_minute=60, to_minute=120)
    assert (day.ends_ns(at(1, 30)), day.ends_ns(at(2))) == (at(2), 0)
