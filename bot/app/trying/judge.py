"""Judges strategies on recorded folders: many replays, some at once, each kept when it is done."""

import concurrent.futures
import concurrent.futures.process
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from bot.app.config.places import Places
from bot.app.config.policy import policy_of
from bot.app.config.settings import Settings, load_settings
from bot.app.trying.discover import find_strategies
from bot.domain.errors import BotError, ConfigInvalid, DataInvalid
from bot.lab.judging import TOGETHER, Score, score
from bot.lab.options import ReplayOptions, StopFill

Told = Callable[[int, int, str], None]
"""(done, of, what)"""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One replay to be judged, as a worker process is handed it."""

    name: str
    enabled: tuple[str, ...]
    folder: Path
    guard: bool
    config: Path
    strategies: Path
    symbols: tuple[str, ...]
    stop_fill: StopFill
    numbers: str


def trials(
    places: Places,
    settings: Settings,
    names: Sequence[str],
    folders: Sequence[Path],
    symbols: tuple[str, ...],
    stop_fill: StopFill,
) -> list[Trial]:
    """Return every replay that a table needs: each strategy alone, then all of them together."""
    sets: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in names]
    if len(names) > 1:
        sets.append((TOGETHER, tuple(names)))
    blank = Trial(
        name="", enabled=(), folder=Path(), guard=True, config=places.config,
        strategies=places.strategies, symbols=symbols, stop_fill=stop_fill, numbers="",
    )  # fmt: skip
    return [
        replace(
            blank, name=name, enabled=enabled, folder=folder, guard=guard,
            numbers=_numbers(settings, places, enabled, symbols, stop_fill),
        )
        for name, enabled in sets
        for folder in folders
        for guard in (True, False)
    ]  # fmt: skip


def judge(
    wanted: Sequence[Trial], *, jobs: int = 1, keep: Path | None = None, told: Told | None = None
) -> list[Score]:
    """Run every trial that `keep` does not hold yet, and return all scores in order.

    Raises:
        DataInvalid: a folder, or the file of kept scores, cannot be used.
    """
    kept = {_key(s.strategy, s.folder, s.numbers, guard=s.guard): s for s in _read(keep)}
    missing = [t for t in wanted if _key_of(t) not in kept]
    for done, (trial, result) in enumerate(_run(missing, jobs), start=1):
        kept[_key_of(trial)] = result
        if keep is not None:
            with keep.open("ab") as file:
                file.write(msgspec.json.encode(result) + b"\n")
        if told is not None:
            told(done, len(missing), f"{trial.name} on {trial.folder.name}")
    return [kept[_key_of(trial)] for trial in wanted]


def run_trial(trial: Trial) -> Score:
    """Run one trial; also the entry of a worker process."""
    settings = load_settings(trial.config)
    params = {name: dict(values) for name, values in settings.strategies.params.items()}
    options = ReplayOptions(
        data=trial.folder,
        policy=policy_of(settings, mode="replay"),
        symbols=trial.symbols,
        guard=trial.guard,
        stop_fill=trial.stop_fill,
        strategies=find_strategies(trial.strategies, trial.enabled, params),
    )
    return score(trial.name, options, trial.numbers)


def _run(missing: Sequence[Trial], jobs: int) -> Iterable[tuple[Trial, Score]]:
    if jobs <= 1:
        for trial in missing:
            yield trial, run_trial(trial)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = {pool.submit(run_trial, trial): trial for trial in missing}
        try:
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        except BotError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        except concurrent.futures.process.BrokenProcessPool:
            raise DataInvalid(
                "a process that judged was ended from outside; run the same command again, with "
                "--keep it goes on from the scores it has"
            ) from None


def _numbers(
    settings: Settings,
    places: Places,
    enabled: Sequence[str],
    symbols: Sequence[str],
    stop_fill: str,
) -> str:
    """Return one word for all that decides a score besides folder and guard: numbers and files."""
    tables = (settings.risk, settings.levels, settings.strategies.params)
    text = repr((*(str(table) for table in tables), tuple(symbols), stop_fill))
    whole = sha256(text.encode())
    for name in enabled:
        path = places.strategies / f"{name}.py"
        try:
            whole.update(path.read_bytes())
        except OSError as error:
            raise ConfigInvalid(f"{path}: {error.strerror}") from None
    return whole.hexdigest()[:12]


def _key(strategy: str, folder: str, numbers: str, *, guard: bool) -> tuple[str, str, str, bool]:
    return strategy, folder, numbers, guard


def _key_of(trial: Trial) -> tuple[str, str, str, bool]:
    return _key(trial.name, trial.folder.name, trial.numbers, guard=trial.guard)


def _read(keep: Path | None) -> list[Score]:
    if keep is None or not keep.exists():
        return []
    found = []
    for number, line in enumerate(keep.read_bytes().splitlines(), start=1):
        try:
            found.append(msgspec.json.decode(line, type=Score))
        except msgspec.DecodeError as error:
            raise DataInvalid(
                f"{keep} line {number}: {error}; remove the line or the file"
            ) from None
    return found
