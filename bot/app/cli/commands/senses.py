"""`breakwater market|pulse|funding|oi|liquidations|clusters|scenarios`: what the market does."""

import typer

from bot.app.cli import sense_pages
from bot.app.cli.commands.questions import SymbolOption, put
from bot.app.cli.output import JsonFlag


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (market, pulse, funding, oi, liquidations, clusters, scenarios):
        app.command()(command)


def market(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Price, funding, interest, liquidations and judgement of every symbol."""
    put("market", {"symbol": symbol}, sense_pages.market, as_json=as_json)


def pulse(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Pulse, Stress and Threat with their sub-scores and evidence."""
    put("pulse", {"symbol": symbol}, sense_pages.pulse, as_json=as_json)


def funding(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Funding over venues, against its own history."""
    put("funding", {"symbol": symbol}, sense_pages.funding, as_json=as_json)


def oi(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Open interest in coins, its changes, and price against it."""
    put("oi", {"symbol": symbol}, sense_pages.oi, as_json=as_json)


def liquidations(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """What was forced, by window, side and venue."""
    put("liquidations", {"symbol": symbol}, sense_pages.liquidations, as_json=as_json)


def clusters(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """How much is forced if price gets there, and how well that estimate has done."""
    put("clusters", {"symbol": symbol}, sense_pages.clusters, as_json=as_json)


def scenarios(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Where the declared scenarios stand and what the running ones allow."""
    put("scenarios", {"symbol": symbol}, sense_pages.scenarios, as_json=as_json)
