"""kill -9 of a store and an executor: 500 here, 5,000 by `./run campaign kills`.

Budget: 60 s of one core.
"""

from tests.process.disk import built
from tests.process.kills import campaign

KILLS = 500
SEED = 20260131


def test_five_hundred_deaths_lose_nothing_and_double_nothing(record_property) -> None:
    told = campaign(KILLS, SEED)
    assert told["violations"] == []
    assert told["kills"] == KILLS
    met = set(told["boundaries"])
    for name in ("_open_raw", "intent", "append_many", "save_snapshot", "send"):
        assert {f"{name}:before", f"{name}:after"} <= met, met
    assert told["orders"] > 100
    assert told["acknowledged"] > 100
    if built() is not None:
        assert told["by_way"]["system call"] > 100
    record_property("kills", told["elapsed_s"])


def test_an_executor_that_sends_before_it_writes_is_found_out() -> None:
    """What cannot fail proves nothing."""
    told = campaign(100, SEED, "--careless")
    assert any("sent without an intent" in line for line in told["violations"])
