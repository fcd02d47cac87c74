"""One life of the daemon: its loop, its parts, its streams, and how it dies."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from bot.domain.market import FeedStatus, MarkPrice
from bot.domain.messages import (
    AccountSnapshot,
    Command,
    Effect,
    Event,
    OrderNotFound,
    OrderUpdate,
    SubmitOrder,
)
from bot.domain.orders import Purpose
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.simulation.chance import stream
from bot.lab.simulation.lies import is_kept_back
from bot.lab.simulation.loop import SimLoop
from bot.lab.simulation.timeline import START_NS
from bot.lab.simulation.world import World
from bot.runtime.parts import DaemonParts
from bot.runtime.supervisor import run_daemon


class SimClock:
    """bot.ports.Clock of the host: its wall clock may be wrong, its monotonic one never is."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_ns(self) -> int:
        """Return the host's wall clock in ns UTC."""
        return self._world.timeline.now_ns + self._world.host_skew_ns

    def monotonic_ns(self) -> int:
        """Return ns since the host started."""
        return self._world.timeline.now_ns - START_NS + 1

    async def sleep_s(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)


if TYPE_CHECKING:
    from bot.lab.simulation.wire import Call

Observed = Callable[["Life", Event, list[Effect]], None]


def _nobody(_life: "Life", _door: str, _call: "Call") -> None:
    """Nobody watches."""


def _nobody_looks(_life: "Life") -> None:
    """Nobody watches."""


def _is_slept_through(event: Event) -> bool:
    """Whether a kernel asleep would learn from an event that a stop of its own is gone."""
    if isinstance(event, AccountSnapshot | OrderNotFound):
        return True
    return isinstance(event, OrderUpdate) and not event.order.status.is_live


def _is_muted(effect: Effect, how: str) -> bool:
    if not isinstance(effect, SubmitOrder):
        return False
    if how == "all":
        return effect.order.reduce_only
    return effect.order.purpose is Purpose.STOP


class WatchedKernel(Kernel):
    """The kernel, seen by the monitors after each step.

    A muted one wishes its stops (`how` "all": whatever reduces) in vain, as if its belief were
    wrong: coverage must do alone. One that is "asleep" does not learn that a stop is gone.
    """

    life: "Life"
    observe: Observed | None = None

    @override
    def step(self, event: Event) -> list[Effect]:
        """Step, then show what came of it."""
        mute = self.life.world.board.on("mute_kernel")
        asleep = mute is not None and mute.how == "asleep"
        if asleep and self.life.ready and _is_slept_through(event):
            return []
        effects = super().step(event)
        if mute is not None and not asleep:
            effects = [effect for effect in effects if not _is_muted(effect, mute.how)]
        if self.observe is not None:
            self.observe(self.life, event, effects)
        return effects


class Life:
    """A process from start to kill or ordered end."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.run_id = f"{world.seed % 0xFFFF:04x}{number:04x}"
        self.loop = SimLoop(world.timeline, stream(world.seed, f"order:{number}"))
        self.dead = False
        self.born_ns = world.now_ns
        self.parts: DaemonParts | None = None
        self._kernel: Kernel | None = None
        self.code: int | None = None
        self.kill_at = ""
        """The border at which the next crossing kills; empty: none."""
        self.did: list[str] = []
        """What it was answered, in order: of a start it is judged that it is always the same."""
        self.heard: dict[str, int] = {}
        """symbol -> when its price last came."""
        self.account_told_ns = 0
        self.accounts_told: set[int] = set()
        """When each account was true that an answer showed."""
        self.not_found: set[str] = set()
        """Orders that an answer said not to be there."""
        self.asked_ns = 0
        """When it was told to end in order; 0: it was not."""
        self.ban_serial = 0
        self.ban_heard_ns = 0
        self.troubled = False
        """Whether a fault was in force while it started."""
        self.on_send: Callable[[Life, str, Call], None] = _nobody
        self.on_look: Callable[[Life], None] = _nobody_looks
        self._emits: dict[str, Callable[[Event], None]] = {}
        self._account_due_ns = 0

    @property
    def kernel(self) -> Kernel:
        """The kernel of this life."""
        assert self._kernel is not None  # noqa: S101 - set before it lives
        return self._kernel

    @property
    def disturbed_ns(self) -> int:
        """When something last happened to the account, or it began."""
        return max(self.world.disturbed_ns, self.born_ns)

    def sends(self, door: str, call: "Call") -> None:
        """Show a request to those who watch before it leaves."""
        self.on_send(self, door, call)

    def looks(self) -> None:
        """Show that coverage looks at the account, whether or not the request may leave."""
        self.on_look(self)

    @property
    def ready(self) -> bool:
        """Whether the start is complete."""
        return self.parts is not None and bool(self.parts.health.get("ready"))

    # ------------------------------------------------------------------ living

    def live(self, parts: DaemonParts) -> None:
        """Run until it ends or is killed."""
        assert isinstance(parts.kernel, Kernel)  # noqa: S101 - made by the run
        self.parts, self._kernel = parts, parts.kernel
        self.world.hearer = self
        asyncio.set_event_loop(self.loop)
        try:
            self.code = self.loop.run_until_complete(run_daemon(parts))
        except RuntimeError:
            if not self.dead:
                raise  # asyncio says so too when a loop is stopped, which a kill does
        finally:
            self.dead = True
            self.world.hearer = None
            self.loop.bury()
            asyncio.set_event_loop(None)

    def kill(self, why: str) -> None:
        """SIGKILL: not one more callback of this process runs."""
        if self.dead:
            return
        self.dead = True
        self.world.note(f"kill {self.run_id} {why}")
        self.loop.kill()

    async def cross(self, border: str) -> None:
        """Pass a border between two steps of safety; here a planned kill may strike."""
        if self.kill_at in (border, "any") and not self.dead:
            self.world.mark(f"kill_{border}")
            self.kill(border)
        if self.dead:
            await self.loop.create_future()  # nothing of a dead process goes on

    # ------------------------------------------------------------------ streams

    def listen(self, stream_name: str, emit: Callable[[Event], None] | None) -> None:
        """Connect a stream, or disconnect it."""
        if emit is None:
            self._emits.pop(stream_name, None)
        else:
            self._emits[stream_name] = emit

    def hear_market(self, events: Sequence[Event]) -> None:
        """Deliver public prices after their way."""
        if self.hears("market"):
            self.world.timeline.after(self.world.delay_s(), lambda: self._deliver("market", events))

    def hear_account(self, events: Sequence[Event]) -> None:
        """Deliver what happened to the account after its way: in order, but for the faults."""
        if not self.hears("user"):
            self.world.board.count("user_missed")
            return
        board = self.world.board
        batch = [event for event in events if not is_kept_back(self.world, event)]
        if board.hit("user_twice") is not None:
            batch = [event for event in batch for _ in range(2)]
        due_ns = self.world.now_ns + round(self.world.delay_s() * NS_PER_S)
        self._account_due_ns = max(self._account_due_ns, due_ns)
        shuffled = board.hit("user_shuffled")
        if shuffled is not None:
            for event in batch:
                late_ns = round(board.roll(shuffled) * shuffled.size * NS_PER_S)
                one = [event]
                self.world.timeline.at(due_ns + late_ns, partial(self._deliver, "user", one))
            return
        self.world.timeline.at(self._account_due_ns, lambda: self._deliver("user", batch))

    def hears(self, stream_name: str) -> bool:
        """Whether a stream is connected and not silenced by a fault."""
        board = self.world.board
        silenced = board.on(f"{stream_name}_silent") or board.on(f"{stream_name}_down")
        return stream_name in self._emits and not silenced and not board.on("outage")

    def tell_stream(self, stream_name: str, reason: str, *, live: bool) -> None:
        """Let a connected stream tell that it is up or down."""
        emit = self._emits.get(stream_name)
        if emit is not None and not self.dead:
            now_ns = self.world.now_ns + self.world.host_skew_ns
            emit(FeedStatus(stream_name, "", now_ns, now_ns, live, reason))

    def command(self, command: Command) -> None:
        """Bring the operator's word, as the control socket does."""
        emit = self._emits.get("operator")
        if emit is not None and not self.dead:
            emit(command)

    def _deliver(self, stream_name: str, events: Sequence[Event]) -> None:
        emit = self._emits.get(stream_name)
        if self.dead or emit is None:
            return
        true_ns = self.world.now_ns
        now_ns = true_ns + self.world.host_skew_ns
        for event in events:
            if isinstance(event, MarkPrice):
                self.heard[event.symbol] = true_ns
            emit(msgspec.structs.replace(event, received_ns=now_ns))
        if stream_name == "user":
            self.account_told_ns = true_ns
