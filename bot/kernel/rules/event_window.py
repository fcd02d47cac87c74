"""Take no new risk around announced events."""

from bot.domain.risk import Demand, Gauge
from bot.domain.units import NS_PER_S
from bot.kernel.assess.judge import open_windows
from bot.kernel.rules._ladder import blocked
from bot.kernel.view import LegView

NAME = "event_window"
ACTS_ON = "own"
SHARED = False


def demand(view: LegView) -> Demand | None:
    """Return a block while an announced event is under way."""
    sensed, now_ns = view.sensed, view.state.now_ns
    if sensed is None:
        return None
    for _source, window in open_windows(sensed.senses, now_ns):
        left_s = (window.end_ns - now_ns) / NS_PER_S
        return blocked(view, NAME, f"announced event: {window.title} (s left)", left_s, 0.0)
    return None


def gauge(view: LegView) -> Gauge:
    """Return for how long an announced event still goes on."""
    sensed, now_ns = view.sensed, view.state.now_ns
    windows = open_windows(sensed.senses, now_ns) if sensed is not None else ()
    left = [(window.end_ns - now_ns) / NS_PER_S for _source, window in windows]
    return Gauge(max(left, default=0.0), 0.0, "seconds of an announced event left")
