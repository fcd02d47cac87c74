"""What is in a data folder and what is wrong with it, for `breakwater data check`."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from bot.data.files import Told
from bot.data.folder import CANDLES, READERS, files_known
from bot.data.kinds import COLUMNS
from bot.data.sheet import Finding, Noting, read_table, when
from bot.data.stitch import missing_bars
from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_S

SHOWN_ROWS: Final = 5


def check_folder(path: Path) -> dict[str, object]:
    """Read every file to its end; report each series, and everything that cannot be believed.

    `ok` is true when every row of every file can be believed; gaps and repeats are told and
    counted, not judged. `replayable` is true when there are candles beside.

    Raises:
        DataInvalid: there is no such folder, or nothing of a data folder in it.
    """
    names = files_known(path)
    if not names:
        raise DataInvalid(f"{path}: holds no file of a data folder, such as {CANDLES}")
    reports = [_file(path / name) for name in names]
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report["counts"])
    ok = all(report["ok"] for report in reports)
    return {
        "path": str(path),
        "ok": ok,
        "replayable": ok and CANDLES in names,
        "counts": {name: counts[name] for name in COUNTED},
        "files": reports,
    }


COUNTED: Final = (
    "gaps", "repeats", "bad value", "bad bar", "unit jump", "overlap", "contradiction",
    "unreadable",
)  # fmt: skip


def _file(path: Path) -> dict[str, Any]:
    series: list[Told] = []
    findings: list[Finding] = []
    problem = None
    sheet = None
    try:
        sheet = Noting(path, read_table(path, COLUMNS[path.name]))
        READERS[path.name](sheet, series.append)
    except DataInvalid as error:
        problem = str(error)
    if sheet is not None:
        findings = sheet.found
        problem = problem or (sheet.line(findings[0]) if findings else None)
    told = [_told(each) for each in series]
    counts: Counter[str] = Counter(
        gaps=sum(each["gaps"] for each in told),
        repeats=sum(each["repeats_dropped"] for each in told),
        unreadable=int(problem is not None and not findings),
    )
    for each in findings:
        counts[each.fault] += int(each.rows.size)
    return {
        "file": path.name,
        "ok": problem is None,
        "problem": problem,
        "counts": dict(counts),
        "findings": [_finding(each) for each in findings],
        "series": told,
    }


def _finding(found: Finding) -> dict[str, object]:
    return {
        "fault": found.fault,
        "column": found.column,
        "what": found.what,
        "rows": int(found.rows.size),
        "first_rows": [int(row) + 1 for row in found.rows[:SHOWN_ROWS]],
    }


def _told(each: Told) -> dict[str, Any]:
    gaps, lacking, longest_s = (
        missing_bars(each.times_ns, each.step_s) if each.step_s else (0, 0, 0)
    )
    return {
        "symbol": each.symbol,
        "venue": each.venue,
        "step_s": each.step_s,
        "rows": int(each.times_ns.size),
        "from": when(int(each.times_ns[0])),
        "to": when(int(each.times_ns[-1]) + each.step_s * NS_PER_S),
        "gaps": gaps,
        "missing": lacking,
        "longest_gap_s": longest_s,
        "repeats_dropped": each.series.repeats,
        "was_unsorted": each.series.unsorted,
    }
