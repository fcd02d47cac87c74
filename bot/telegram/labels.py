"""Where the words beside lines of a picture stand: near their lines, and never on one another."""

from collections.abc import Sequence

Wanted = Sequence[float]


def spread(wanted: Wanted, gap: float, bottom: float, top: float) -> list[float]:
    """Return a place for each wanted one, in its order: at least `gap` apart, within the bounds.

    Places move as little as their neighbours need: crowded ones share out about the middle of what
    they wanted. Where all of them need more room than there is, they share it evenly.
    """
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    if not order:
        return []
    gap = min(gap, (top - bottom) / max(len(order) - 1, 1))
    groups: list[list[int]] = []
    for number in order:
        groups.append([number])
        while len(groups) > 1 and _meet(groups[-2], groups[-1], wanted, gap, bottom, top):
            last = groups.pop()
            groups[-1] += last
    places = [0.0] * len(wanted)
    for group in groups:
        first = _first(group, wanted, gap, bottom, top)
        for step, number in enumerate(group):
            places[number] = first + step * gap
    return places


def _first(group: list[int], wanted: Wanted, gap: float, bottom: float, top: float) -> float:
    """Return where the lowest of a crowded group stands."""
    middle = sum(wanted[number] - step * gap for step, number in enumerate(group)) / len(group)
    return max(bottom, min(middle, top - (len(group) - 1) * gap))


def _meet(
    below: list[int], above: list[int], wanted: Wanted, gap: float, bottom: float, top: float
) -> bool:
    """Whether two groups stand closer than `gap`."""
    end = _first(below, wanted, gap, bottom, top) + (len(below) - 1) * gap
    return _first(above, wanted, gap, bottom, top) < end + gap - 1e-12
