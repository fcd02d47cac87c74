"""What is in a data folder and what is wrong with it, for `breakwater data check`."""

from pathlib import Path

from bot.data.files import Told
from bot.data.folder import READERS, files_present
from bot.data.sheet import when
from bot.data.stitch import missing_bars
from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_S


def check_folder(path: Path) -> dict[str, object]:
    """Read every file; report each series with span, gaps and repeats, and each file's problem.

    `ok` is true when every file could be believed; gaps and dropped repeats are told, not judged.

    Raises:
        DataInvalid: there is no such folder, or it has no candles.
    """
    reports: list[dict[str, object]] = []
    for name in files_present(path):
        series: list[Told] = []
        problem = None
        try:
            READERS[name](path / name, series.append)
        except DataInvalid as error:
            problem = str(error)
        reports.append(
            {
                "file": name,
                "ok": problem is None,
                "problem": problem,
                "series": [_told(each) for each in series],
            }
        )
    return {
        "path": str(path),
        "ok": all(report["ok"] for report in reports),
        "files": reports,
    }


def _told(each: Told) -> dict[str, object]:
    gaps, lacking, longest_s = missing_bars(each.times_ns, each.step_s)
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
        "repeats_dropped": each.repeats,
        "was_unsorted": each.unsorted,
    }
