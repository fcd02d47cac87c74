"""The life of an order as a table: from which status it may become which, and on whose word.

UNKNOWN is an order whose request had no answer: it counts as if it existed. LOST is one that the
venue did not know long after it was sent: it counts no longer, and is believed again when it
turns up, or doubted again when its request ends without an answer. An end is left for a late fill,
or when a newer reading of the venue shows the order open.
"""

from typing import Final

from bot.domain.orders import OrderStatus as S

ENDS: Final = frozenset({S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED})
OPEN: Final = frozenset({S.WORKING, S.TRIGGERING})
DOUBTFUL: Final = frozenset({S.PENDING, S.UNKNOWN, S.LOST})

EDGES: Final[dict[S, frozenset[S]]] = {
    S.PENDING: OPEN | ENDS | {S.UNKNOWN, S.LOST},
    S.UNKNOWN: OPEN | ENDS | {S.LOST},
    S.WORKING: ENDS | {S.TRIGGERING},
    S.TRIGGERING: ENDS,
    S.LOST: OPEN | ENDS | {S.UNKNOWN},
    S.CANCELLED: OPEN | {S.FILLED},
    S.REJECTED: OPEN | {S.FILLED},
    S.EXPIRED: OPEN | {S.FILLED},
    S.FILLED: frozenset(),
}
"""status -> what it may become; staying what it is is no edge."""


def allowed(before: S, after: S) -> bool:
    """Tell whether an order may pass from one status to another (or stay)."""
    return before is after or after in EDGES[before]
