"""Generated cascades of `stress`: from the command's words to their table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from bot.app.cli.grid import grid, percent, text
from bot.app.cli.home import Home
from bot.app.cli.output import whisper


def _shared(value: Any) -> str:  # noqa: ANN401 - JSON value
    if value["share"] is None:
        return "none"
    return f"{value['share']:.2%} ({value['low']:.2%} to {value['high']:.2%})"


COLUMNS = (
    ("kind", "kind", text),
    ("cascades", "cascades", text),
    ("fall_median_frac", "median fall", percent),
    ("unguarded", "liquidated unguarded (95 %)", _shared),
    ("guarded", "guarded", _shared),
    ("guarded_drawdown_max_frac", "worst drawdown", percent),
)


def generated(
    home: Home,
    folders: Sequence[Path],
    symbol: str,
    hold: Literal["long", "short"],
    leverages: Sequence[int],
    stop_fill: Literal["touch", "gap", "low"],
    profile: str,
    amount: tuple[int, int],
    record: Path | None,
) -> list[dict[str, Any]]:
    """Return one judgement per leverage; `amount`: how many cascades, on how many processes.

    Raises:
        ConfigInvalid: `record` belongs to another stress, or cannot be written.
    """
    from bot.app.config.policy import policy_of
    from bot.data.folder import read_folder
    from bot.lab.synthetic.shares import Trial, hazard_of, judged, record_of, run_trials

    count, jobs = amount
    policy = policy_of(home.settings, mode="replay", profile=profile)
    hazard = hazard_of([read_folder(folder) for folder in folders], symbol)
    out = []
    for leverage in leverages:
        whisper(f"stress: {count} generated cascades at {leverage}x, guarded and not")
        trial = Trial(hazard, policy, symbol, hold, leverage, stop_fill)

        def told(done: int) -> None:
            if done % 100 == 0:
                whisper(f"stress: {done} of {count}")

        kept = record_of(record, trial) if record is not None else None
        out.append(judged(trial, run_trials(trial, count, jobs, told, kept)))
    return out


def show_generated(lines: Sequence[dict[str, Any]], console: Console) -> None:
    """Print one table per leverage."""
    for line in lines:
        title = (
            f"{line['cascades']} generated cascades, {line['hold']} {line['leverage']}x: "
            f"liquidated unguarded {_shared(line['unguarded'])}, guarded {_shared(line['guarded'])}"
        )
        console.print(grid(title, line["kinds"], COLUMNS))
