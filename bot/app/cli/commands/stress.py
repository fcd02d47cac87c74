"""`breakwater stress`: held positions through recorded weeks, guarded beside unguarded."""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import msgspec
import typer
from rich.console import Console

from bot.app.cli.generated import generated, show_generated
from bot.app.cli.grid import grid, money, percent, text
from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import ConfigInvalid

LEVERAGE_MAX = 125
BasketFlag = Annotated[
    bool, typer.Option("--basket", help="Hold all symbols together, not one after another.")
]
MoveOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FACTOR", help="Scale one number of the guard, alone; may be repeated."
    ),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option(metavar="RULE", help="Leave one rule, or part of the guard, out; repeatable."),
]
OnAllOption = Annotated[
    list[str] | None,
    typer.Option(metavar="RULE", help="Let a rule cut what is held by hand; repeatable."),
]
BaselinesFlag = Annotated[
    bool | None,
    typer.Option(
        "--baselines/--no-baselines",
        help="Rows of rules of thumb beside the guard; default: when starts is first.",
    ),
]

CompiledFlag = Annotated[
    bool,
    typer.Option("--compiled", help="The loss budget alone at compiled speed; isolated margin."),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Keep each generated cascade's outcome; go on from it."),
]

if TYPE_CHECKING:
    from bot.lab.stress import Case, Row

COLUMNS = (
    ("data", "data", text),
    ("symbols", "held", text),
    ("hold", "side", text),
    ("margin", "margin", text),
    ("leverage", "lev", text),
    ("profile", "profile", text),
    ("label", "moved", text),
    ("runs", "runs", text),
    ("liquidations", "liquidations", text),
    ("liquidated_unguarded", "unguarded liq.", text),
    ("max_drawdown_frac", "worst drawdown", percent),
    ("within_budget_frac", "in budget", percent),
    ("return_median_frac", "return", percent),
    ("unguarded_return_median_frac", "unguarded", percent),
    ("same_size_cost_median_frac", "cost, same size", percent),
    ("unprotected_s_max", "bare s", text),
    ("actions_a_day_max", "actions/day", text),
)


CONTEST = (
    ("data", "data", text),
    ("symbol", "held", text),
    ("hold", "side", text),
    ("leverage", "lev", text),
    ("policy", "policy", text),
    ("liquidations", "liquidations", text),
    ("final_equity_usd", "final equity", money),
    ("max_drawdown_frac", "worst drawdown", percent),
    ("actions", "actions", text),
    ("costs_usd", "costs", money),
    ("p_value", "p", lambda value: "" if value is None else f"{value:.3f}"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(stress)


def stress(
    *,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder of recorded data; may be repeated."),
    ] = None,
    synthetic: Annotated[
        int, typer.Option(min=0, help="Generated cascades, fitted to the recorded ones.")
    ] = 0,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Contract to hold; may be repeated.")
    ] = None,
    basket: BasketFlag = False,
    hold: Annotated[Literal["long", "short"], typer.Option(help="Side of the position.")] = "long",
    leverage: Annotated[list[str] | None, typer.Option(help="As 3,5,10; may be repeated.")] = None,
    margin: Annotated[
        list[str] | None, typer.Option(help="isolated, cross; may be repeated.")
    ] = None,
    profile: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    starts: Annotated[
        Literal["first", "12h"], typer.Option(help="From the first bar, or every 12 hours.")
    ] = "first",
    stop_fill: Annotated[
        Literal["touch", "gap", "low"], typer.Option(help="How stops fill in fast bars.")
    ] = "touch",
    move: MoveOption = None,
    without: WithoutOption = None,
    on_all: OnAllOption = None,
    baselines: BaselinesFlag = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = os.cpu_count() or 1,
    record: RecordOption = None,
    compiled: CompiledFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Hold positions through recorded weeks and say what the guard saved and cost."""
    if not data and not synthetic:
        raise ConfigInvalid("stress: give --data DIR, --synthetic N, or both")
    home = open_home()
    symbols = tuple(symbol or home.settings.risk.symbols)
    changes = ["", *(move or []), *(f"without {rule}" for rule in without or [])]
    changes += [f"all {rule}" for rule in on_all or []]
    wanted = _Wanted(
        hold, _leverages(leverage or ["3,5,10"]), margin or ["isolated"], profile or ["L20"],
        starts, stop_fill, changes,
    )  # fmt: skip
    cases = _cases_of(home, data or [], symbols, wanted, basket=basket)
    compared = baselines if baselines is not None else starts == "first" and len(changes) == 1
    document = _quick(cases) if compiled else _played(cases, jobs, compared=compared)
    if synthetic:
        document["synthetic"] = generated(
            home, data or [], symbols[0], wanted.hold, wanted.leverages, wanted.stop_fill,
            wanted.profiles[0], (synthetic, jobs), record,
        )  # fmt: skip
    show(document, _render, as_json=as_json)


def _cases_of(
    home: Home, folders: list[Path], symbols: tuple[str, ...], wanted: "_Wanted", *, basket: bool
) -> "list[Case]":
    groups: list[tuple[str, ...]] = [symbols] if basket else [(each,) for each in symbols]
    cases = [
        case for folder in folders for held in groups for case in _cases(home, folder, held, wanted)
    ]
    if folders and not cases:
        raise ConfigInvalid("stress: none of the folders holds all of the symbols; see --symbol")
    return cases


def _leverages(given: list[str]) -> list[int]:
    """Return leverages of texts such as "3,5,10".

    Raises:
        ConfigInvalid: not a whole number from 1 to 125.
    """
    parts = [part.strip() for text in given for part in text.split(",")]
    for part in parts:
        if not part.isdecimal() or not 1 <= int(part) <= LEVERAGE_MAX:
            raise ConfigInvalid(
                f"--leverage {part:.20}: give whole numbers from 1 to {LEVERAGE_MAX}, as 3,5,10"
            )
    return list(dict.fromkeys(int(part) for part in parts))


class _Wanted(NamedTuple):
    """Everything that is varied, but folder and symbols."""

    hold: Literal["long", "short"]
    leverages: list[int]
    margins: list[str]
    profiles: list[str]
    starts: str
    stop_fill: Literal["touch", "gap", "low"]
    moves: list[str]
    """Changes of one number each; the empty one is the policy as it is."""


def _played(cases: "list[Case]", jobs: int, *, compared: bool) -> dict[str, Any]:
    from bot.domain.policy import PROFILES
    from bot.lab.contest import contestants, held_cases, lines_of, timing_of
    from bot.lab.stress import run_cases
    from bot.lab.verdict import verdicts

    chosen = contestants(cases) if compared else []
    extra = held_cases(cases[n] for n in chosen)
    whisper(f"stress: {len(cases) + len(extra)} replays on {jobs} processes")
    done = [0]

    def told(row: "Row") -> None:
        done[0] += 1
        if row.error:
            whisper(f"stress: {row.data} {row.symbols} {row.leverage}x {row.start}: {row.error}")
        elif done[0] % 50 == 0:
            whisper(f"stress: {done[0]} of {len(cases) + len(extra)}")

    played = run_cases([*cases, *extra], jobs, told)
    rows, held = played[: len(cases)], played[len(cases) :]
    if compared:
        whisper("stress: rules of thumb, and the guard's changes at random instants")
    budgets = {name: numbers[0] for name, numbers in PROFILES.items()}
    lines = lines_of([cases[n] for n in chosen], [rows[n] for n in chosen], held)
    return {
        "rows": lines,
        "timing": timing_of(lines),
        "groups": verdicts(rows, budgets),
        "runs": [msgspec.structs.asdict(row) for row in rows],
    }


def _quick(cases: "list[Case]") -> dict[str, Any]:
    from bot.domain.policy import PROFILES
    from bot.lab.quick import LEFT_OUT, play_all
    from bot.lab.verdict import verdicts

    rows = play_all(cases)
    budgets = {name: numbers[0] for name, numbers in PROFILES.items()}
    unknown: dict[str, None] = dict.fromkeys((*LEFT_OUT, "fees_mean_usd"))
    groups = [
        {**line, **{key: None for key in unknown if key in line}}
        for line in verdicts(rows, budgets)
    ]
    return {
        "rows": [],
        "timing": [],
        "groups": groups,
        "runs": [{**msgspec.structs.asdict(row), **dict.fromkeys(LEFT_OUT)} for row in rows],
    }


def _cases(home: Home, folder: Path, held: tuple[str, ...], wanted: _Wanted) -> "list[Case]":
    """Return guarded cases, and each unguarded twin once; none when a symbol is not recorded."""
    from bot.lab.stress import hours_of, starts_of

    _check(folder, wanted)
    hours = [hours_of(folder, name) for name in held]
    known = [each for each in hours if each is not None]
    if len(known) < len(held):
        whisper(f"stress: {folder.name} does not hold {', '.join(held)}; left out")
        return []
    begins = ["first"] if wanted.starts == "first" else starts_of(min(known))
    out: dict[tuple[object, ...], Case] = {}
    for start, mode, times in product(begins, wanted.margins, wanted.leverages):
        out |= _twins(home, folder, held, wanted, (start, mode, times))
    return list(out.values())


def _twins(
    home: Home,
    folder: Path,
    held: tuple[str, ...],
    wanted: _Wanted,
    point: tuple[str, str, int],
) -> "dict[tuple[object, ...], Case]":
    """Return the guarded cases of one point with their unguarded twins, by what tells them apart.

    An unlevered twin is what the cost at equal size is scaled from.
    """
    from bot.app.config.policy import policy_of
    from bot.app.config.policy_moves import ALL, moved
    from bot.domain.account import MarginMode
    from bot.lab.stress import Case

    start, mode, times = point
    bare = Case(
        data=folder, symbols=held, leverage=times, margin=MarginMode(mode.upper()),
        policy=policy_of(home.settings, mode="replay"), guard=False, hold=wanted.hold,
        stop_fill=wanted.stop_fill, start=start,
    )  # fmt: skip
    out: dict[tuple[object, ...], Case] = {
        ("bare", mode, times, start): bare,
        ("bare", "isolated", 1, start): replace(bare, leverage=1, margin=MarginMode.ISOLATED),
    }
    for profile, move in product(wanted.profiles, wanted.moves):
        policy = moved(policy_of(home.settings, mode="replay", profile=profile), move)
        judged = move.startswith(ALL)
        case = replace(bare, guard=True, policy=policy, label=move, sense_on=judged)
        out[profile, mode, times, start, move] = case
    return out


def _check(folder: Path, wanted: _Wanted) -> None:
    from bot.domain.policy import PROFILES

    if not folder.is_dir():
        raise ConfigInvalid(f"--data: {folder}: no such folder")
    for name, given, allowed in (
        ("--margin", wanted.margins, ("isolated", "cross")),
        ("--profile", wanted.profiles, tuple(PROFILES)),
    ):
        for value in given:
            if value not in allowed:
                raise ConfigInvalid(f"{name}: was {value!r:.20}, allowed: {', '.join(allowed)}")


def _render(document: Document, console: Console) -> None:
    if document["rows"]:
        console.print(grid("the same position, held in other ways", document["rows"], CONTEST))
    if document["groups"]:
        console.print(grid("held positions through recorded weeks", document["groups"], COLUMNS))
    show_generated(document.get("synthetic", ()), console)
    for row in document["runs"]:
        if row["error"]:
            console.print(f"{row['data']} {row['symbols']} {row['leverage']}x: {row['error']}")
