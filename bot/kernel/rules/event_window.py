"""Take no new risk around announced events."""

from bot.domain.risk import Demand
from bot.domain.units import NS_PER_S
from bot.kernel.rules._ladder import blocked
from bot.kernel.view import LegView

NAME = "event_window"
ACTS_ON = "own"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return a block while an event that the owner named is on."""
    now_ns = view.state.now_ns
    for event in view.policy.rules.events:
        if event.from_ns <= now_ns < event.until_ns:
            left_s = (event.until_ns - now_ns) / NS_PER_S
            return blocked(view, NAME, f"{event.name} is on (s left)", left_s, 0.0)
    return None
