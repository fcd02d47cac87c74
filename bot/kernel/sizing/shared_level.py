"""Which level a stop hides behind: positions behind one level share one budget."""

from collections.abc import Sequence

Span = tuple[float, float]


def clusters(zones: Sequence[Span], join: float) -> list[Span]:
    """Return zones (low, high) joined where less than `join` lies between them, lowest first."""
    found: list[Span] = []
    for low, high in sorted(zones):
        if found and low - found[-1][1] <= join:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def behind(spans: Sequence[Span], sign: int, entry: float, stop: float, join: float) -> Span | None:
    """Return the cluster that a stop lies in, or at most `join` behind; None: it hides behind none.

    Of several the one nearest to the stop, on the way to the entry.
    """
    if sign > 0:
        between = [span for span in spans if span[0] - join <= stop <= span[1] <= entry + join]
        return min(between, default=None)
    between = [span for span in spans if entry - join <= span[0] <= stop <= span[1] + join]
    return max(between, key=lambda span: span[1], default=None)


def is_shared(one: Span | None, other: Span | None, stops: Span, join: float) -> bool:
    """Whether two stops fall with one level: the same cluster, or triggers nearer than `join`."""
    return (one is not None and one == other) or abs(stops[0] - stops[1]) <= join
