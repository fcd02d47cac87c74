"""kill -9 between fill and stop, while recovering, and at the end of a position."""

import time
from decimal import Decimal

import pytest

from tests.e2e.lives import (
    WHEN,
    Lives,
    Measured,
    assert_nothing_doubled,
    assert_one_life,
    die,
    entries,
    prove_nothing_lost_or_doubled,
    restart_and_measure,
)
from tests.fakes.daemon import Daemon, until
from tests.fakes.market_folder import PRICE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-kill-stop")]

POINTS = (
    "position folded",
    "stop sent",
    "stop submitted",
    "stop on the wire",
    "stop answered",
    "stop accepted",
    "stop journaled",
    "target submitted",
    "target accepted",
)
RECOVERY = ("state restored", "account read", "coverage judged")
EXIT = ("exit folded", "orphan cancelled")


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_around_the_stop_leaves_no_position_bare(
    life: Lives, point: str, when: str, measured: Measured
) -> None:
    prove_nothing_lost_or_doubled(life, point, when, measured)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("point", RECOVERY)
def test_a_second_death_while_recovering_changes_nothing(
    life: Lives, point: str, when: str, measured: Measured
) -> None:
    wire, _ = die(life, "stop sent", "before")
    life.arm(point, when)
    again = life.start(ready=False)
    assert again.ended() == -9, again.text()[-2000:]
    life.kill_file.unlink()
    daemon = restart_and_measure(life, measured)
    assert_one_life(daemon, life.venue, wire)
    assert_nothing_doubled(life, daemon, wire)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("point", EXIT)
def test_a_kill_at_the_end_of_a_position_leaves_nothing_behind(
    life: Lives, point: str, when: str
) -> None:
    wire, trigger = entered(life)
    victim = life.daemon
    assert victim is not None
    life.arm(point, when)
    life.venue.move(min(trigger - 30.0, PRICE))
    assert victim.ended() == -9, victim.text()[-2000:]
    life.kill_file.unlink()
    assert_over(life, life.start(), wire)


def test_a_stop_that_fills_while_nobody_lives_leaves_nothing_behind(life: Lives) -> None:
    wire, trigger = entered(life)
    assert life.daemon is not None
    life.daemon.kill()
    life.venue.move(min(trigger - 30.0, PRICE))
    until(lambda: life.venue.position() == 0, "the venue fills the stop")
    assert life.venue.targets(), "the target is an orphan now"
    assert_over(life, life.start(), wire)


def entered(life: Lives) -> tuple[int, float]:
    """Have a trade with stop and target; return its wire and the stop's trigger."""
    daemon = life.victim()
    wire = life.next_wire()
    until(lambda: entries(life.venue, wire), "an entry")
    until(life.venue.covers, "covered")
    assert_one_life(daemon, life.venue, wire)
    return wire, float(life.venue.stops()[0]["triggerPrice"])


def assert_over(life: Lives, daemon: Daemon, wire: int) -> None:
    """Nothing is held, nothing rests, belief and venue agree, the signal is not traded again."""
    venue = life.venue
    until(lambda: not venue.open_algos(), "the orphans are swept")
    assert venue.position() == 0
    daemon.await_flat()
    until(
        lambda: abs(Decimal(str(daemon.status()["wallet_usd"])) - venue.wallet_usd()) < 1,
        "the wallet is the venue's",
    )
    venue.move(wire + 50.0)
    after_ns = time.time_ns()
    until(lambda: daemon.status()["markets"][0]["last"] == wire + 50.0, "the price is back")
    until(lambda: time.time_ns() - after_ns > 3 * 10**9, "three bars close above the wire")
    assert venue.position() == 0, "an old signal was traded again"
    assert_nothing_doubled(life, daemon, wire)
