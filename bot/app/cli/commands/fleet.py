"""`breakwater fleet status|flatten`: all accounts of one database, wherever they are driven."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import Column, facts, grid, money, percent, put, seconds, text, yes
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, leave, show, wants_json
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.journal.joint import Spent
    from bot.journal.line import Line

REFUSED = 3
LOOK_S = 1.0
group = typer.Typer(help="See and flatten every account of one database.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group, name="fleet")


@group.command()
def status(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show it again whenever an account tells something.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show who drives each account, who stands by, and how it does."""
    from bot.journal import fleet

    with _line() as line:
        if not follow or wants_json(as_json):
            show({"accounts": fleet.overview(line)}, _page, as_json=as_json)
            return
        console = Console()
        line.listen()
        with suppress(KeyboardInterrupt):
            while True:
                console.clear()
                _page({"accounts": fleet.overview(line)}, console)
                while not line.heard(LOOK_S):
                    pass


@group.command()
def risk(
    *,
    venue_max: Annotated[
        float, typer.Option(min=0.05, max=1.0, help="Share of all equity at one venue.")
    ] = 0.5,
    as_json: JsonFlag = False,
) -> None:
    """Show net exposure by asset, shares of venues, and what joint shocks leave of the budget."""
    from bot.app.accounts.fleet_risk import counted, fleet_risk
    from bot.app.config.policy import policy_of
    from bot.journal import fleet

    settings = open_home().settings
    policy = policy_of(settings, mode=settings.breakwater.mode)
    mode = settings.breakwater.mode
    with _line() as line:
        rows, spent = fleet.overview_and_spent(line, mode)
    enforced = settings.accounts.fleet_loss_budget_frac
    document = fleet_risk(
        counted(rows, mode),
        loss_budget_frac=enforced or policy.guard.loss_budget_frac,
        venue_max_frac=venue_max,
    )
    document["spent"] = None if spent is None else _spent(spent)
    show(document, _risk_page, as_json=as_json)


def _spent(spent: "Spent") -> dict[str, Any]:
    return {
        "equity_usd": spent.equity_usd,
        "peak_usd": spent.peak_usd,
        "loss_budget_frac": spent.budget_frac,
        "latched": sorted(spent.latched),
        "rearmed": sorted(spent.rearmed),
    }


@group.command()
def forget(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT")], *, as_json: JsonFlag = False
) -> None:
    """Leave an account that nobody drives any more out of the joint budget, until it is driven."""
    from bot.journal import fleet

    with _line() as line:
        done = fleet.forget(line, account)
    told = "forgotten until it is driven again" if done else "is driven, or was never known"
    show(
        {"account": account, "forgotten": done, "answer": told},
        lambda doc, console: console.print(f"{doc['account']}: {doc['answer']}"),
        as_json=as_json,
    )
    if not done:
        leave(REFUSED)


@group.command()
def flatten(
    *,
    account: Annotated[
        list[str] | None, typer.Option(help="An account by name; may be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every account that is driven.")] = False,
    wait_s: Annotated[float, typer.Option(min=0.0, max=60.0, help="For answers.")] = 15.0,
    as_json: JsonFlag = False,
) -> None:
    """Close everything at the market and pause, on every account named."""
    if bool(account) == every:
        raise ConfigInvalid("fleet flatten: name accounts with --account NAME, or all with --all")
    with _line() as line:
        document = _flattened(line, list(account or ()), wait_s)
    show(document, _answers, as_json=as_json)
    if not document["accounts"] or not all(row["accepted"] for row in document["accounts"]):
        leave(REFUSED)


def _flattened(line: "Line", named: list[str], wait_s: float) -> dict[str, Any]:
    """Give the order to who drives, and collect what they answer until `wait_s` has passed."""
    from bot.app.clock import SystemClock
    from bot.domain.units import NS_PER_S
    from bot.journal import fleet

    clock = SystemClock()
    driven = {row["account"] for row in fleet.overview(line) if row["driven"]}
    names = named or sorted(driven)
    rows = {
        name: {"account": name, "accepted": False, "answer": "nobody drives this account"}
        for name in names
    }
    asked = [name for name in names if name in driven]
    line.listen()
    numbers = dict(zip(fleet.give(line, asked, "flatten", getpass.getuser()), asked, strict=True))
    for name in asked:
        rows[name]["answer"] = "no answer in time; it may still be carried out"
    end_ns = clock.monotonic_ns() + int(wait_s * NS_PER_S)
    open_numbers = set(numbers)
    while open_numbers and clock.monotonic_ns() < end_ns:
        for number, (accepted, told) in fleet.answered(line, sorted(open_numbers)).items():
            rows[numbers[number]] |= {"accepted": accepted, "answer": told}
            open_numbers.discard(number)
        if open_numbers:
            line.heard(min(LOOK_S, wait_s))
    return {"order": "flatten", "accounts": list(rows.values())}


@contextmanager
def _line() -> "Iterator[Line]":
    from bot.app.config.server import server_of
    from bot.journal.line import Line

    home = open_home()
    server = server_of(home.settings, home.places)
    if server is None:
        raise ConfigInvalid(
            "fleet: state.url names no server: a fleet is the accounts of one PostgreSQL database"
        )
    line = Line(server)
    try:
        yield line
    finally:
        line.close()


def _page(document: Document, console: Console) -> None:
    columns: list[Column] = [
        ("account", "account", text),
        ("mode", "mode", text),
        ("driven", "driven", yes),
        ("host", "on", text),
        ("holder", "run", text),
        ("age_s", "told", seconds),
        ("standbys", "standbys", text),
        ("state_mode", "trading", text),
        ("equity_usd", "equity USD", money),
        ("positions", "positions", text),
        ("unprotected", "unprotected", text),
    ]
    rows = []
    for row in document["accounts"]:
        state = row["state"] or {}
        told = {name: state.get(name) for name in ("equity_usd", "positions")}
        bare = state.get("unprotected")
        rows.append(
            row
            | told
            | {
                "state_mode": state.get("mode"),
                "unprotected": None if bare is None else ", ".join(bare) or "none",
            }
        )
    put(console, grid("fleet", rows, columns))


def _risk_page(document: Document, console: Console) -> None:
    held: list[Column] = [("asset", "asset", text), ("net_usd", "net USD", money)]
    held += [("gross_usd", "gross USD", money), ("by_venue", "by venue", text)]
    shares: list[Column] = [("venue", "venue", text), ("equity_usd", "equity USD", money)]
    shares += [("share_frac", "share", percent), ("over_limit", "over the limit", yes)]
    shocks: list[Column] = [("move_frac", "move", percent), ("silent_venue", "silent", text)]
    shocks += [("equity_usd", "left USD", money), ("room_usd", "room USD", money)]
    shocks += [("cut_frac", "cut needed", percent), ("loses_most", "loses most", text)]
    pairs = [
        (
            "accounts",
            f"{document['accounts']}, not known: {', '.join(document['unknown']) or 'none'}",
        ),
        ("equity", f"{money(document['equity_usd'])} of {money(document['peak_usd'])} USD"),
        ("loss budget", percent(document["loss_budget_frac"])),
        ("closed together", ", ".join(document["bound"]) or "nobody: it warns"),
        ("used up", text(document["spent"] and "yes: re-arm every account")),
    ]
    put(
        console,
        facts("fleet", pairs),
        grid("exposure", document["exposure"], held),
        grid(f"venues, limit {percent(document['venue_max_frac'])}", document["venues"], shares),
        grid("joint shocks", document["shocks"], shocks),
    )
    console.print(document["note"])


def _answers(document: Document, console: Console) -> None:
    columns: list[Column] = [
        ("account", "account", text),
        ("accepted", "taken", yes),
        ("answer", "answer", text),
    ]
    put(console, grid("flatten", document["accounts"], columns))
