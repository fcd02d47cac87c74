"""How each answer looks on a terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from bot.app.cli.feed_pages import venues
from bot.app.cli.grid import (
    UNKNOWN,
    Column,
    facts,
    grid,
    moment,
    money,
    percent,
    price,
    put,
    seconds,
    signed,
    text,
    yes,
)
from bot.app.cli.narrow import Fitting
from bot.app.cli.output import Document
from bot.app.cli.source_pages import HEALTH

MODES = {"ACTIVE": "green", "REDUCING": "yellow", "HALTED": "bold red"}


def status(doc: Document, console: Console) -> None:
    """Show the bot on one page."""
    colour = MODES.get(str(doc["mode"]), "")
    mode = f"[{colour}]{doc['mode']}[/] {escape(text(doc['mode_reason']))}"
    if doc["latched"]:
        mode = f"[bold red]LATCHED[/] {escape(text(doc['latch_reason']))}: `breakwater rearm`"
    bare = doc["unprotected"]
    counters = doc["counters"]
    pairs = [
        ("mode", mode),
        ("guard", f"{doc['profile']}, {doc['enforce']}"),
        ("equity", f"{money(doc['equity_usd'])} USD, today {signed(doc['day_result_usd'])}"),
        ("drawdown", f"{percent(doc['drawdown_frac'])} from {money(doc['high_water_usd'])}"),
        ("positions", f"{doc['positions']}, stops at the venue: {doc['stops_working']}"),
        ("unprotected", f"[bold red]{', '.join(bare)}[/]" if bare else "[green]none[/]"),
        ("trades", f"{counters['trades']}, won {counters['wins']}"),
        ("guard actions", f"{counters['guard_actions']}, liquidations {counters['liquidations']}"),
        (
            "fees, funding",
            f"{money(counters['fees_usd'])} paid, {signed(counters['funding_usd'])} USD",
        ),
        ("account read", f"{seconds(doc['account_age_s'])} ago"),
        ("page", f"{doc['page']}, token in state/secrets/page_token" if doc.get("page") else "off"),
    ]
    columns = [
        ("symbol", "market", text),
        ("mark", "mark", price),
        ("mark_age_s", "age", seconds),
        ("feed_live", "feed", yes),
        ("funding_frac", "funding", percent),
    ]
    put(console, facts(f"run {doc['run_id']}", pairs), grid("markets", doc["markets"], columns))
    if doc.get("sources"):
        put(console, grid("sources", doc["sources"], HEALTH))
    put(console, venues(doc.get("venues")))


def positions(doc: Document, console: Console) -> None:
    """Show every leg with stop and liquidation."""
    columns = [
        ("position", "position", text),
        ("qty", "qty", text),
        ("entry_price", "entry", price),
        ("mark", "mark", price),
        ("upnl_usd", "result", signed),
        ("stop_price", "stop", price),
        ("stop_distance_frac", "to stop", percent),
        ("protected", "full", yes),
        ("liquidation", "liquidation", text),
        ("to_it", "to it", text),
        ("opened_by", "by", text),
    ]
    rows = [_leg(leg) for leg in doc["positions"]]
    put(console, grid("positions", rows, columns), *_flaws(doc["positions"]))


def _leg(leg: Document) -> dict[str, Any]:
    """Return a leg with its name short, and both liquidation prices in one word."""
    ours, venues = leg["liq_price_own"], leg["liq_price_venue"]
    told, away = f"{price(ours)} ours\n{price(venues)} venue", percent(leg["liq_distance_frac"])
    if leg.get("liq_exists") is False:
        told, away = "none", "-"
    elif ours is None and not venues:
        told = UNKNOWN
    name = f"{leg['symbol'].split('/')[0]} {leg['side']}"
    return {**leg, "position": name, "liquidation": told, "to_it": away}


def _flaws(legs: list[Document]) -> list[str]:
    """Return a line for everything that speaks against the place of a stop."""
    return [
        f"[yellow]{leg['symbol']} {leg['side']}: the stop lies {escape(flaw['words'])}[/]"
        for leg in legs
        for flaw in leg.get("stop_flaws") or leg.get("flaws") or ()
    ]


NEXT_COLUMNS: list[Column] = [
    ("symbol", "symbol", text),
    ("side", "side", text),
    ("what", "what happens", text),
    ("price", "at price", price),
    ("distance_frac", "away", percent),
    ("result_usd", "result", signed),
]
RULE_COLUMNS: list[Column] = [
    ("rule", "rule", text),
    ("symbol", "symbol", text),
    ("measured", "measured", text),
    ("limit", "acts at", text),
    ("unit", "unit", text),
    ("acts_on", "cuts", text),
    ("factor_in_force", "factor", text),
]
LEG_COLUMNS: list[Column] = [
    ("symbol", "symbol", text),
    ("side", "side", text),
    ("qty", "quantity", text),
    ("liq_price", "liquidation", price),
    ("liq_distance_frac", "away", percent),
    ("liq_daily_ranges", "daily ranges", text),
    ("liq_stop_distances", "stop distances", text),
    ("margin_ratio", "margin ratio", percent),
]


def risk(doc: Document, console: Console) -> None:
    """Show budgets, rules and what happens at which price."""
    exposure, day = doc["exposure"], doc["own_day"]
    pairs = [
        (
            "budget",
            f"{doc['profile']}: {percent(doc['loss_budget_frac'])} of the peak "
            f"{money(doc['high_water_usd'])}, floor at {money(doc['floor_usd'])}",
        ),
        ("left", f"{money(doc['budget_left_usd'])} USD ({percent(doc['budget_left_frac'])})"),
        ("drawdown", percent(doc["drawdown_frac"])),
        (
            "exposure",
            f"{money(exposure['gross_usd'])} USD, {text(exposure['leverage'])}x; volatility held "
            f"{text(exposure['sigma_held'])} of {text(exposure['sigma_target'])}",
        ),
        (
            "strategies today",
            f"{signed(day['result_usd'])} USD; half at -{percent(day['half_at_frac'])}, "
            f"halt at -{percent(day['halt_at_frac'])}",
        ),
    ]
    trades = doc["trades"]
    pairs.append(
        (
            "if all stops fill",
            f"{money(trades['all_stops_usd'])} USD of {trades['open']} trades; heat "
            f"{percent(trades['heat_frac'])} of {percent(trades['heat_max_frac'])}",
        )
    )
    put(
        console,
        facts("risk", pairs),
        grid("positions", doc["positions"], LEG_COLUMNS),
        grid("what happens next", doc["next"], NEXT_COLUMNS),
        grid("rules", doc["rules"], RULE_COLUMNS),
        *_flaws(doc["stops"]),
        f"[dim]{escape(doc['budget']['in_words'])} {doc['note']}[/]",
    )


def stress_now(doc: Document, console: Console) -> None:
    """Show every shock with what it leaves."""
    columns = [
        ("shock", "shock", text),
        ("equity_usd", "equity left", money),
        ("loss_frac", "lost", percent),
        ("drawdown_frac", "from the peak", percent),
        ("within_budget", "in budget", yes),
        ("closed_by_stop", "stops fill", _names),
        ("liquidated", "liquidated", _names),
        ("still_held", "still held", _names),
        ("why", "how", text),
    ]
    hedge_columns = [
        ("symbol", "symbol", text),
        ("vanishes", "vanishes", text),
        ("left", "left", text),
        ("net_usd_before", "net before", money),
        ("net_usd_after", "net after", money),
        ("left_liq_distance_frac", "to liquidation", percent),
    ]
    parts: list[object] = [grid("shocks to the account", doc["shocks"], columns)]
    if doc["auto_deleveraging"]:
        parts.append(grid("the venue takes a hedge leg", doc["auto_deleveraging"], hedge_columns))
    if doc["legs_without_price"]:
        parts.append(f"[red]without a price, left out: {', '.join(doc['legs_without_price'])}[/]")
    put(console, *parts, f"[dim]{doc['note']}[/]")


def _names(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) and value else "-"


def orders(doc: Document, console: Console) -> None:
    """Show live orders."""
    columns = [
        ("sent_at", "sent", moment),
        ("symbol", "symbol", text),
        ("purpose", "purpose", text),
        ("kind", "kind", text),
        ("side", "side", text),
        ("qty", "qty", text),
        ("filled_qty", "filled", text),
        ("trigger_price", "trigger", price),
        ("status", "status", text),
        ("client_order_id", "id", text),
    ]
    put(console, grid("orders", doc["orders"], columns))


def trades(doc: Document, console: Console) -> None:
    """Show what the strategies did."""
    columns = [
        ("opened_at", "opened", moment),
        ("strategy", "strategy", text),
        ("symbol", "symbol", text),
        ("side", "side", text),
        ("entry_qty", "qty", text),
        ("entry_price", "entry", price),
        ("stop_price", "stop", price),
        ("target_price", "target", price),
        ("exit_price", "exit", price),
        ("result_usd", "result", signed),
        ("result_r", "R", text),
        ("state", "state", text),
        ("left_by", "by", text),
    ]
    title = f"{doc['trades_total']} trades closed, {doc['wins_total']} won"
    put(console, grid(title, doc["trades"], columns), ends(doc))


def ends(doc: Document) -> Fitting:
    """Return what each kind of end brought."""
    columns = [
        ("left_by", "ended by", text),
        ("trades", "trades", text),
        ("wins", "won", text),
        ("result_usd", "result", signed),
        ("mean_r", "mean R", text),
    ]
    return grid("by what they ended", doc["by_exit"], columns)


def levels(doc: Document, console: Console) -> None:
    """Show the level book against the price."""
    columns = [
        ("symbol", "symbol", text),
        ("name", "level", text),
        ("low", "low", price),
        ("high", "high", price),
        ("side", "side", text),
        ("state", "state", text),
        ("distance_frac", "away", percent),
        ("note", "note", lambda value: value or ""),
    ]
    hidden = f", {doc['not_yet_known']} not yet known" if doc["not_yet_known"] else ""
    zones = [
        ("symbol", "symbol", text),
        ("name", "zone", text),
        ("low", "low", price),
        ("high", "high", price),
        ("side", "side", text),
        ("state", "state", text),
        ("strength", "strength", text),
        ("kinds", "made of", ", ".join),
        ("distance_frac", "away", percent),
        ("warning", "warning", lambda value: value or ""),
    ]
    put(
        console,
        grid(f"levels{hidden}", doc["levels"], columns),
        grid("zones of every generator", doc["zones"], zones),
    )


def why(doc: Document, console: Console) -> None:
    """Tell a chain of decisions in lines."""
    for line in doc["chain"]:
        limit = f"limit {line['limit']}" if line.get("limit") else ""
        told = ", ".join(part for part in (line.get("measured"), limit) if part)
        numbers = f" ({told})" if told else ""
        what = line.get("what") or line.get("kind") or ""
        reason = line.get("why") or line.get("reason") or ""
        told = f"{moment(line.get('at'))}  {line.get('symbol', '')}  {what}: {reason}{numbers}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)


def answer(doc: Document, console: Console) -> None:
    """Show the answer to a command."""
    console.print(str(doc.get("text", doc)), markup=False, soft_wrap=True)
