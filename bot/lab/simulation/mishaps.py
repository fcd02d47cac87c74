"""Deeds of the host: kills, ordered ends, a loop or clock gone wrong; windows that open."""

from functools import partial
from typing import Final

from bot.domain.units import NS_PER_S
from bot.lab.simulation.deed import Host, deed
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.life import Life

DEATHBED_S: Final = 120.0
"""A process that was told to end in order and has not after this is killed."""
KILL_WAITS_S: Final = 90.0

# ------------------------------------------------------------------ host


@deed
def kill(run: Host, fault: Fault) -> None:
    """Kill the process now, or at the next crossing of border `how`; it is away for `size` s."""
    life = run.life
    if life is None or life.dead:
        return
    run.down_s = fault.size
    if not fault.how:
        life.kill("now")
        return
    life.kill_at = fault.how
    run.world.timeline.after(KILL_WAITS_S, partial(_forget, life, fault.how))


def _forget(life: Life, border: str) -> None:
    if life.kill_at == border:
        life.kill_at = ""


@deed
def stop(run: Host, fault: Fault) -> None:
    """Tell the process to end in order (SIGTERM)."""
    life = run.life
    if life is not None and life.parts is not None and not life.dead:
        run.down_s = fault.size
        run.asked_ns = life.asked_ns = run.world.now_ns
        run.world.mark("ordered_stop")
        life.parts.stop.set()
        run.world.timeline.after(DEATHBED_S, lambda: run.give_up(life))


@deed
def block(run: Host, fault: Fault) -> None:
    """Let the event loop stand still for `size` seconds; the world goes on."""
    world = run.world
    if run.life is None or run.life.dead:
        return
    world.mark("loop_blocked")
    world.excused_ns = world.now_ns + round(fault.size * NS_PER_S)
    world.timeline.pass_until(world.excused_ns)


@deed
def clock_step(run: Host, fault: Fault) -> None:
    """Set the host's wall clock wrong by `size` seconds (0: right again)."""
    run.world.host_skew_ns = round(fault.size * NS_PER_S)
    run.world.mark("clock_step")
    run.world.note(f"clock {fault.size}")


# ------------------------------------------------------------------ windows with a beginning


def open_window(run: Host, fault: Fault) -> None:
    """Put a window in force, with what its beginning tells."""
    run.world.board.open(fault)
    run.world.note(f"fault {fault.kind} {fault.how} for {fault.for_s}")
    life = run.life
    if fault.kind == "stuck_triggering":
        run.world.exchange.stick_triggering(fault.symbol, True)
    elif life is not None and fault.kind in ("user_down", "market_down"):
        life.tell_stream(fault.kind.split("_", 1)[0], "connection lost", live=False)
    elif life is not None and fault.kind == "outage":
        for name in ("user", "market"):
            life.tell_stream(name, "connection lost", live=False)


def close_window(run: Host, fault: Fault) -> None:
    """Lift a window, with what its end tells."""
    run.world.board.close(fault)
    life = run.life
    if fault.kind == "stuck_triggering":
        run.world.exchange.stick_triggering(fault.symbol, False)
    if life is None or life.dead:
        return
    names: tuple[str, ...] = ()
    if fault.kind in ("user_down", "market_down", "user_silent", "market_silent"):
        names = (fault.kind.split("_", 1)[0],)
    elif fault.kind == "outage":
        names = ("user", "market")
    for name in names:
        if fault.kind.endswith("_silent"):
            life.tell_stream(name, "silent: connecting anew", live=False)
        if life.hears(name):
            life.tell_stream(name, "connected again", live=True)
