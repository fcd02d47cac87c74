"""The one entrance of the kernel."""

from collections.abc import Sequence

from bot.domain.messages import Effect, Event
from bot.domain.policy import Policy
from bot.domain.strategy import Strategy
from bot.kernel.snapshot import BotState, digest, freeze, thaw


class Kernel:
    """A synchronous machine: one event in, effects out; it owns its state."""

    def __init__(self, policy: Policy, strategies: Sequence[Strategy], run_id: str) -> None:
        self.policy = policy
        self.strategies = tuple(sorted(strategies, key=lambda s: s.name))
        self.state = BotState(run_id=run_id)

    def step(self, event: Event) -> list[Effect]:
        """Fold `event` into the state and return what must happen now."""
        self.state.seq += 1
        self.state.now_ns = max(self.state.now_ns, event.received_ns)
        return []

    def freeze(self) -> bytes:
        """Return the whole state for the next start."""
        return freeze(self.state)

    def restore(self, blob: bytes) -> None:
        """Take back a frozen state."""
        self.state = thaw(blob)

    def digest(self) -> str:
        """Return the digest of state and of all effects so far."""
        return digest(self.state)
