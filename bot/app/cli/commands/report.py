"""`breakwater report`: what a replay was worth, as a page, as Markdown and as JSON, offline."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from bot.app.cli.commands.replay import options_for, replayed
from bot.app.cli.grid import facts
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.app.cli.ready import ready
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.lab.options import ReplayOptions, ReplayResult

NICE = 15
SUFFIXES = (".html", ".md", ".json")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(report)


def report(
    *,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of recorded data; with --account its prices."),
    ] = None,
    account: Annotated[
        bool, typer.Option("--account", help="Tell the live account from its journal.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="With --account: so far back.")] = 30,
    from_backup: Annotated[
        bool,
        typer.Option("--from-backup", help="With --account: of the newest backup, giving way."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its name without ending; three files.")
    ] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    hold: Annotated[
        Literal["long", "short"] | None, typer.Option(help="A position opened by hand.")
    ] = None,
    leverage: Annotated[int, typer.Option(min=1, max=125)] = 1,
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Show it unprotected.")] = False,
    strategies: Annotated[
        str | None, typer.Option(metavar="A,B", help="What trades; default config's.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write FILE.html, FILE.md and FILE.json of a folder's replay, or of the live account."""
    ready({"--out": out})
    if account:
        _account(days, data, out, from_backup=from_backup, as_json=as_json)
        return
    if data is None:
        raise ConfigInvalid("report: give --data DIR, or --account")
    options = options_for(
        open_home(), data, symbols=tuple(symbol or ()), hold=hold, leverage=leverage,
        margin="isolated", guard=not no_guard, profile="",
        strategies=[s.strip() for s in strategies.split(",")] if strategies else None,
        stop_fill="touch", start="first", wallet=10_000.0, seed=1, without=(), sense=True,
    )  # fmt: skip
    result = replayed(options)
    sections = _sections(result, options)
    written = write(result, sections, _stem(out or Path("reports/report")))
    show({"files": written, **sections}, _render, as_json=as_json)


def _stem(out: Path) -> Path:
    return out.with_suffix("") if out.suffix in SUFFIXES else out


def _account(
    days: int, data: Path | None, out: Path | None, *, from_backup: bool, as_json: bool
) -> None:
    from bot.app.cli.account_report import account_texts, thin_out

    if from_backup:
        os.nice(NICE)  # the bot's own schedule calls it so: its work goes first
    texts, document = account_texts(open_home(), days, data, from_backup=from_backup)
    stem = _stem(out or Path("reports") / f"account-{document['to'][:10]}")
    written = put(texts, stem)
    thin_out(stem)
    show({"files": written, **document}, _render, as_json=as_json)


def _sections(result: "ReplayResult", options: "ReplayOptions") -> dict[str, Any]:
    from bot.lab.pages.dossier import dossier

    found = dossier(result, options.policy.sizing.stop_slip_bps)
    found["baselines"] = _baselines(result, options) if options.hold else []
    return found


def _baselines(result: "ReplayResult", options: "ReplayOptions") -> list[dict[str, Any]]:
    from bot.data.folder import read_folder
    from bot.lab.baselines import Setting, baselines
    from bot.lab.material import material_of

    if options.hold is None:
        return []
    whisper("report: the same position, held in other ways")
    setting = Setting(
        material_of(read_folder(options.data), options), options.policy, options.hold,
        options.leverage, float(options.wallet_usd),
    )  # fmt: skip
    own = {
        "policy": "guarded" if result.guard else "unguarded",
        "liquidations": result.liquidations,
        "final_equity_usd": result.final_equity_usd,
        "max_drawdown_frac": result.max_drawdown_frac,
        "actions": result.delever_actions,
        "costs_usd": result.fees_usd - result.funding_usd,
    }
    return [own, *({"policy": name, **row} for name, row in baselines(setting).items())]


def write(result: "ReplayResult", sections: dict[str, Any], stem: Path) -> list[str]:
    """Write page, Markdown and JSON; return their paths.

    Raises:
        ConfigInvalid: a file cannot be written.
    """
    import msgspec

    from bot.lab.pages.dossier_pages import markdown, parts
    from bot.lab.pages.report import page
    from bot.lab.pages.summary import document

    texts = {
        ".html": page(result, parts(sections)),
        ".md": markdown(result, sections),
        ".json": msgspec.json.format(
            msgspec.json.encode({**document(result), **sections}), indent=2
        ).decode(),
    }
    return put(texts, stem)


def put(texts: dict[str, str], stem: Path) -> list[str]:
    """Write texts by ending; return their paths.

    Raises:
        ConfigInvalid: a file cannot be written.
    """
    written = []
    for suffix, words in texts.items():
        path = stem.with_name(stem.name + suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(words, encoding="utf-8")
        except OSError as error:
            raise ConfigInvalid(f"--out {path}: {error.strerror}") from None
        written.append(str(path))
        whisper(f"report: {path}")
    return written


def _render(document: Document, console: Console) -> None:
    cuts, costs = document["cuts"], document["costs"]
    rows = [
        ("trades", str(len(document["trades"]))),
        ("cuts", str(cuts["cuts"])),
        ("costs", f"{costs['total_usd']:,.2f} USD"),
        ("files", ", ".join(document["files"])),
    ]
    console.print(facts("report", rows))
