"""`breakwater ledger`: the venue's own rows of funding, fees, results and transfers."""

import csv
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import facts, grid, moment, text
from bot.app.cli.grid import put as lay
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.app.cli.reach import ask_daemon

COLUMNS = ("at", "kind", "symbol", "amount", "asset", "info", "income_id")
ROWS_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(ledger)


def ledger(
    *,
    kind: Annotated[str, typer.Option(help="Only this kind, e.g. FUNDING_FEE.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most so many rows.")] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, all rows there are.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Funding, fees, results and transfers as the venue booked them, the newest first."""
    most = ROWS_MAX if as_csv else limit
    asked = {"table": "income", "limit": str(most)}
    answer = ask_daemon(open_home().places.socket, "journal", asked)
    from bot.answers.question import iso  # loads the whole kernel: not for every command

    rows = [{**row, "at": iso(int(row["event_ns"]))} for row in answer["rows"]]
    found = [row for row in rows if kind in ("", row["kind"])]
    if as_csv:
        print_csv(found)
        if len(rows) == most:
            whisper(f"only the newest {most} rows; all are in a copy made by breakwater db backup")
        return
    show({"as_of": answer["as_of"], "rows": found, "sums": sums(found)}, page, as_json=as_json)


def sums(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the sum of each kind and asset, as text."""
    total: dict[str, Decimal] = {}
    for row in rows:
        name = f"{row['kind']} {row['asset']}"
        total[name] = total.get(name, Decimal(0)) + Decimal(str(row["amount"]))
    return {name: f"{total[name]:f}" for name in sorted(total)}


def page(doc: Document, console: Console) -> None:
    """Show sums and rows."""
    columns = [
        ("at", "at", moment),
        ("kind", "kind", text),
        ("symbol", "symbol", text),
        ("amount", "amount", text),
        ("asset", "asset", text),
        ("info", "info", text),
    ]
    lay(console, facts("sums of these rows", doc["sums"].items()))
    lay(console, grid("ledger", doc["rows"], columns))


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under their names; amounts as the venue wrote them."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows([row.get(name, "") for name in COLUMNS] for row in rows)
