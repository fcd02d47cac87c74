"""`breakwater sweep`: many sets of a strategy's numbers, recorded, and judged against luck."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.grid import Column, grid, percent, text
from bot.app.cli.home import Home, open_home
from bot.app.cli.levelled import digest_of_levelled, found, levelled, seal_data
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import BotError, ConfigInvalid

if TYPE_CHECKING:
    from bot.app.trying.trials import StrategyTrial
    from bot.lab.levelled import LevelledTrial
    from bot.lab.sweep.space import Axis

SHOWN = 12


def _two(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


PLATEAU: tuple[Column, ...] = (
    ("params", "set", lambda value: ", ".join(f"{k}={v:g}" for k, v in value.items())),
    ("score", "Sharpe", _two),
    ("plateau", "of its plateau", _two),
    ("plateau_worst", "worst neighbour", _two),
    ("neighbours", "neighbours", text),
)
FORWARD: tuple[Column, ...] = (
    ("from_day", "from day", text),
    ("to_day", "to day", text),
    ("trial", "chosen", text),
    ("sharpe_before", "Sharpe before", _two),
    ("sharpe_after", "after", _two),
    ("return_after_frac", "return after", percent),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sweep)


def sweep(
    *,
    data: Annotated[
        list[Path], typer.Option(metavar="DIR", help="Folder of recorded data; may be repeated.")
    ],
    strategy: Annotated[str, typer.Option(help="Whose numbers are varied.")] = "level_bounce",
    param: Annotated[
        list[str], typer.Option(metavar="NAME=VALUES", help="1,2,3 or 0.1..0.9:5; repeat it.")
    ],
    method: Annotated[Literal["grid", "random", "halving"], typer.Option()] = "grid",
    trials: Annotated[int, typer.Option(min=2, help="Sets drawn by random and halving.")] = 32,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 1,
    symbol: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    embargo_days: Annotated[int, typer.Option(min=0, help="Left out before a fold.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record; going on where it ended.")
    ] = None,
    fast: Annotated[
        bool,
        typer.Option("--compiled", help="Bracket trades at levels, compiled; not --strategy."),
    ] = False,
    level: Annotated[
        list[float] | None,
        typer.Option(min=0.0, help="--compiled: a price; may be repeated; else levels.toml's."),
    ] = None,
    cluster: Annotated[str, typer.Option(help="A Dask scheduler, as tcp://HOST:PORT.")] = "",
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = os.cpu_count() or 1,
    as_json: JsonFlag = False,
) -> None:
    """Play many sets of a strategy's numbers and say how much of the best is luck."""
    from bot.lab.sweep.ledger import Ledger
    from bot.lab.sweep.run import Asked
    from bot.lab.sweep.run import sweep as swept
    from bot.lab.sweep.space import axis_of

    home = open_home()
    axes = tuple(axis_of(each) for each in param)
    asked = Asked(
        axes=axes, method=method, trials=trials, seed=seed, processes=jobs, cluster=cluster,
        embargo_days=embargo_days,
    )  # fmt: skip
    chosen = _chosen(home, data, symbol, axes, strategy=None if fast else strategy, prices=level)
    play, digest, name = chosen
    ledger = Ledger(out or home.places.state / "sweeps" / f"{name}-{digest[:12]}.jsonl", digest)
    ledger.open()

    def told(done: int, whole: int) -> None:
        whisper(f"sweep: {done} of {whole}")

    show(swept(asked, play, ledger, told), _render, as_json=as_json)


def _chosen(
    home: Home,
    folders: list[Path],
    symbol: list[str] | None,
    axes: "tuple[Axis, ...]",
    *,
    strategy: str | None,
    prices: list[float] | None,
) -> "tuple[StrategyTrial | LevelledTrial, str, str]":
    """Return what plays a set, the digest of what it depends on, and its name; no strategy: levels.

    Raises:
        ConfigInvalid: something that was asked for is not there.
    """
    symbols = tuple(symbol or home.settings.risk.symbols)
    first = {axis.name: axis.values[0] for axis in axes}
    if strategy is None:
        fast = levelled(home, folders, symbols, prices or [], first)
        return fast, digest_of_levelled(fast), "levels"
    if prices:
        raise ConfigInvalid("--level: only --compiled takes prices; strategies read levels.toml")
    play = _trial(home, folders, strategy, symbols)
    _refuse_unknown(play, first)
    return play, digest_of(play), strategy


def _trial(home: Home, folders: list[Path], name: str, symbols: tuple[str, ...]) -> "StrategyTrial":
    from bot.app.config.policy import policy_of
    from bot.app.trying.trials import StrategyTrial

    return StrategyTrial(
        folders=found(folders),
        strategies=home.places.strategies,
        name=name,
        fixed=dict(home.settings.strategies.params.get(name, {})),
        policy=policy_of(home.settings, mode="replay"),
        symbols=symbols,
    )


def _refuse_unknown(play: "StrategyTrial", params: dict[str, float]) -> None:
    """Refuse names that the strategy does not have; bad values are told trial by trial.

    Raises:
        ConfigInvalid: with the names that there are.
    """
    from bot.app.trying.discover import NumberUnknown, find_strategies

    if not (play.strategies / f"{play.name}.py").is_file():
        raise ConfigInvalid(f"--strategy {play.name}: there is no {play.strategies / play.name}.py")
    try:
        find_strategies(play.strategies, (play.name,), {play.name: {**play.fixed, **params}})
    except NumberUnknown:
        raise
    except BotError:
        return


def digest_of(play: "StrategyTrial") -> str:
    """Return a digest of everything a trial depends on but its set: strategy text, data, policy."""
    import msgspec

    seal = hashlib.sha256()
    seal.update((play.strategies / f"{play.name}.py").read_bytes())
    seal.update(msgspec.json.encode((play.fixed, play.policy, play.symbols, play.stop_fill)))
    seal_data(seal, play.folders)
    return seal.hexdigest()


def _render(document: Document, console: Console) -> None:
    title = f"{document['tried']} trials over {document['days']} days, the safest plateaus first"
    console.print(grid(title, document["plateau"][:SHOWN], PLATEAU))
    console.print(grid("chosen before, judged after", document["walk_forward"], FORWARD))
    best = document["best"]
    luck = document["overfitting_probability"]
    console.print(
        f"best Sharpe {best['sharpe']:.2f}; chance that it is more than the best of "
        f"{document['tried']} by luck: {_two(best['deflated_sharpe'])}; "
        f"probability of overfitting: {_two(luck)}"
    )
