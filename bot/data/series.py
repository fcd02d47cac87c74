"""Rows of a sheet parted into series: sorted, exact repeats dropped, contradictions refused."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.data.arrays import Floats, Ints
from bot.data.sheet import Sheet, when
from bot.domain.errors import DataInvalid

UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
TIMEFRAME_MAX_S: Final = 604_800


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of one key: their numbers in the file (from 0), sorted by time; repeats counted."""

    key: tuple[str, ...]
    rows: Ints
    repeats: int
    unsorted: bool


def frame_s(word: str) -> int:
    """Return the seconds of a length of time such as 5m, 1h, 1d; 0 when it is none."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([smhdw])", word)
    seconds = int(match[1]) * UNIT_S[match[2]] if match else 0
    return seconds if 0 < seconds <= TIMEFRAME_MAX_S else 0


def timeframe_s(word: str, sheet: Sheet, column: str) -> int:
    """Return the seconds of a timeframe such as 5m, 1h, 1d.

    Raises:
        DataInvalid: the word is no timeframe, or longer than a week.
    """
    seconds = frame_s(word)
    if not seconds:
        raise DataInvalid(
            f"{sheet.path}: column {column!r}: unknown timeframe {word!r}:"
            f" write it like 1m, 5m, 15m, 1h, 4h, 1d"
        )
    return seconds


def _at(instant_ns: int) -> str:
    return f"at {when(instant_ns)}"


def part(
    sheet: Sheet,
    keys: Sequence[str],
    times_ns: Ints,
    facts: dict[str, Floats | Ints],
    named: Callable[[int], str] = _at,
) -> Iterator[Series]:
    """Part the rows of `sheet` by the text columns `keys`, each part sorted by `times_ns`.

    Where rows are told apart by another number, that stands in for `times_ns`, and `named` says
    it in words.

    Raises:
        DataInvalid: two rows of one key and time differ in `facts`.
    """
    group = np.zeros(len(sheet), dtype=np.int64)
    columns = [sheet.words(name) for name in keys]
    for codes, labels in columns:
        group = group * len(labels) + codes
    order = np.lexsort((times_ns, group))
    edges = np.flatnonzero(np.diff(group[order])) + 1
    for rows in np.split(order, edges):
        key = tuple(labels[int(codes[rows[0]])] for codes, labels in columns)
        unsorted = bool(np.any(np.diff(rows) < 0))
        kept = _without_repeats(sheet, key, rows, times_ns, facts, named)
        yield Series(key, kept, int(rows.size - kept.size), unsorted)


def _without_repeats(
    sheet: Sheet,
    key: tuple[str, ...],
    rows: Ints,
    times_ns: Ints,
    facts: dict[str, Floats | Ints],
    named: Callable[[int], str],
) -> Ints:
    again = np.flatnonzero(np.diff(times_ns[rows]) == 0) + 1
    if again.size == 0:
        return rows
    first, second = rows[again - 1], rows[again]
    for name, values in facts.items():
        clash = np.flatnonzero(~_same(values[first], values[second]))
        if clash.size:
            one, two = int(first[clash[0]]), int(second[clash[0]])
            wrong = np.zeros(len(sheet), dtype=np.bool_)
            wrong[second[clash]] = True
            what = (
                f"{' '.join(key)} {named(int(times_ns[one]))} is told twice,"
                f" {values[two]} here and {values[one]} in {sheet.place(one, two)}"
            )
            sheet.refuse(wrong, name, what, fault="contradiction")
    return np.delete(rows, again)


def _same(one: Floats | Ints, two: Floats | Ints) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    same: np.ndarray[tuple[int], np.dtype[np.bool_]] = (one == two) | (
        np.isnan(one) & np.isnan(two)
    )
    return same
