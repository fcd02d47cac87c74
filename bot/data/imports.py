"""Foreign files into a data folder: every row believed and named by file and line, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bot.data.bars_of_trades import bars_of
from bot.data.files import Told
from bot.data.folder import CANDLES, TRADES
from bot.data.format import Given, Rows
from bot.data.formats import TEXT, candidate, format_of
from bot.data.merge import Merged, merged
from bot.data.placing import place, placing
from bot.data.sheet import when
from bot.domain.errors import DataInvalid

READ_ENDINGS: Final = (*TEXT, ".csv.gz", ".feather", ".json", ".json.gz", ".parquet")


def import_files(
    sources: Sequence[Path],
    folder: Path,
    given: Given,
    *,
    named: str = "",
    bars_s: int = 0,
    told: Callable[[str], None],
) -> dict[str, Any]:
    """Read every source, a folder meaning all files in it, and put the rows into `folder`.

    `bars_s` makes bars of that many seconds from trades, where the folder gets trades. What the
    folder had stays; a row it has already counts once. Returns what each file got.

    Raises:
        DataInvalid: a file or row that cannot be believed: `folder` is as it was.
    """
    paths = list(_files(sources))
    if not paths:
        raise DataInvalid(f"{sources[0]}: holds no file to import ({', '.join(READ_ENDINGS)})")
    with placing(folder):
        found = merged(folder, _rows(paths, given, named, told))
        if bars_s:
            found |= _with_bars(folder, found, bars_s)
        if not found:
            raise DataInvalid(f"{paths[0]}: holds no rows")
        place(folder, {kind: each.table for kind, each in found.items()})
    return {
        "into": str(folder),
        "read": len(paths),
        "files": [_told(kind, each) for kind, each in found.items()],
    }


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            yield from sorted(
                path
                for path in source.rglob("*")
                if path.is_file() and path.name.endswith(READ_ENDINGS)
            )
        elif source.is_file():
            yield source
        else:
            raise DataInvalid(f"{source}: no such file or folder")


def _rows(
    paths: Sequence[Path], given: Given, named: str, told: Callable[[str], None]
) -> Iterator[Rows]:
    for path in paths:
        found = candidate(path)
        one = format_of(found, named)
        told(f"import: {path} as {one.name}")
        empty = True
        for rows in one.read(found, given):
            empty = empty and not len(rows)
            yield rows
        if empty and not one.may_be_empty:
            raise DataInvalid(f"{path}: holds no rows")


def _with_bars(folder: Path, found: dict[str, Merged], bars_s: int) -> dict[str, Merged]:
    if TRADES not in found:
        raise DataInvalid("--bars: there are no trades among what was read")
    return merged(folder, bars_of(folder / TRADES, found[TRADES].table, bars_s)) | (
        {CANDLES: found[CANDLES]} if CANDLES in found else {}
    )


def _told(kind: str, each: Merged) -> dict[str, Any]:
    return {
        "file": kind,
        "rows": each.table.num_rows,
        "read": each.given,
        "repeats": each.repeats,
        "series": [_series(one) for one in each.series],
    }


def _series(one: Told) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "venue": one.venue,
        "step_s": one.step_s,
        "rows": int(one.times_ns.size),
        "from": when(int(one.times_ns[0])),
        "to": when(int(one.times_ns[-1])),
    }
