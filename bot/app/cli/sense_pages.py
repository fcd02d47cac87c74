"""How the answers of the market sense look on a terminal."""

from typing import Any

from rich.console import Console

from bot.app.cli.feed_pages import venues
from bot.app.cli.grid import (
    bps,
    facts,
    grid,
    lines,
    millions,
    moment,
    percent,
    price,
    put,
    text,
    yes,
)
from bot.app.cli.output import Document

THREAT = {1: "green", 2: "green", 3: "yellow", 4: "red", 5: "bold red"}


def _threat(value: Any) -> str:  # noqa: ANN401 - JSON value
    return "?" if value is None else f"[{THREAT.get(int(value), '')}]{value}[/]"


def _hours(value: Any) -> str:  # noqa: ANN401 - JSON value
    seconds = float(value)
    return f"{seconds / 3_600:g} h" if seconds >= 3_600 else f"{seconds / 60:g} min"


def market(doc: Document, console: Console) -> None:
    """Show every symbol in a row."""
    columns = [
        ("symbol", "symbol", text),
        ("price", "price", price),
        ("ret_24h_frac", "24 h", percent),
        ("atr_1h_frac", "ATR 1h", percent),
        ("funding_8h_frac", "funding 8 h", bps),
        ("open_interest_coin", "interest, coins", price),
        ("liq_long_24h_usd", "longs forced", millions),
        ("liq_short_24h_usd", "shorts forced", millions),
        ("pulse", "pulse", text),
        ("stress", "stress", text),
        ("threat", "threat", _threat),
        ("cascade", "cascade", text),
        ("degraded", "missing", lambda value: str(len(value))),
    ]
    put(console, grid("market", doc["markets"], columns), venues(doc.get("venues")))


def pulse(doc: Document, console: Console) -> None:
    """Show each judgement with what it rests on."""
    held = doc["account_threat"]
    put(console, f"threat to what is held: {_threat(held) if held else 'nothing is held'}")
    for row in doc["markets"]:
        if row["judged_at"] is None:
            put(console, f"{row['symbol']}: nothing was judged yet")
            continue
        pairs = [
            ("judged", f"{row['headline']} ({moment(row['judged_at'])})"),
            (
                "threat",
                f"{_threat(row['threat'])} to longs, {_threat(row['threat_short'])} to shorts",
            ),
            ("why", lines(row["evidence"]) or "nothing stands out"),
            ("for shorts", lines(row["evidence_short"]) or "nothing stands out"),
            ("floor", f"{row['floor']} {lines(row['floor_reasons'])}"),
            ("cascade", f"{row['cascade']} {row['cascade_words']}"),
            ("leverage", f"{row['flush']}\n{lines(row['flush_evidence'])}".strip()),
            ("flags", lines(row["systemic"]) or "none"),
            ("missing", lines(row["degraded"]) or "nothing"),
        ]
        scores = [
            {"name": name, "long": value, "short": row["severities_short"].get(name)}
            for name, value in row["severities"].items()
        ]
        columns = [("name", "severity", text), ("long", "fall", text), ("short", "rally", text)]
        put(console, facts(row["symbol"], pairs), grid("severities, 0 to 1", scores, columns))


def funding(doc: Document, console: Console) -> None:
    """Show what holding costs."""
    columns = [
        ("symbol", "symbol", text),
        ("mean_8h_frac", "8 h", bps),
        ("apr_frac", "a year", percent),
        ("low_8h_frac", "lowest", bps),
        ("high_8h_frac", "highest", bps),
        ("z", "z", text),
        ("percentile", "percentile", percent),
        ("lowest_since", "lowest since", moment),
        ("squeeze_risk", "squeeze", text),
        ("venues", "venues", lines),
    ]
    put(console, grid("funding, positive: longs pay", doc["funding"], columns))
    for row in doc["funding"]:
        venue = [
            ("venue", "venue", text),
            ("interval_h", "every, h", text),
            ("predicted_8h_frac", "predicted 8 h", bps),
            ("settled_8h_frac", "settled 8 h", bps),
            ("settled_at", "at", moment),
        ]
        put(console, grid(str(row["symbol"]), row["by_venue"], venue))


def oi(doc: Document, console: Console) -> None:
    """Show open interest and who builds or leaves."""
    for row in doc["open_interest"]:
        pairs = [
            ("open", f"{price(row['open_interest_coin'])} coins ({', '.join(row['venues'])})"),
            ("froth", text(row["froth"])),
            ("leverage", f"{text(row['flush'])}\n{lines(row['flush_evidence'])}".strip()),
        ]
        change = [
            ("horizon_s", "over", _hours),
            ("change_frac", "change", percent),
            ("venues", "of", ", ".join),
            ("coverage", "coverage", percent),
        ]
        quadrant = [
            ("horizon_s", "over", _hours),
            ("name", "who", text),
            ("price_z", "price z", text),
            ("oi_z", "interest z", text),
        ]
        put(
            console,
            facts(str(row["symbol"]), pairs),
            grid("changes", row["changes"], change),
            grid("price against interest", row["quadrants"], quadrant),
        )


def liquidations(doc: Document, console: Console) -> None:
    """Show what was forced."""
    for row in doc["liquidations"]:
        pairs = [
            (
                "24 h",
                f"{millions(row['long_24h_usd'])} longs, {millions(row['short_24h_usd'])} shorts",
            ),
            ("source", f"{text(row['source'])} ({', '.join(row['venues'])})"),
            ("ordinary days", text(row["times_ordinary"])),
            ("long share", percent(row["long_share"])),
            ("acceleration", text(row["acceleration"])),
            ("highest since", moment(row["highest_since"])),
            ("cascade", f"{text(row['cascade'])} {row['cascade_words'] or ''}"),
        ]
        columns = [
            ("window_s", "window", _hours),
            ("long_usd", "longs", millions),
            ("short_usd", "shorts", millions),
            ("estimated_usd", "estimated", millions),
            ("confidence", "confidence", percent),
            ("coverage", "seen", percent),
            ("of_open_interest", "of interest", bps),
            ("venues", "venues", ", ".join),
        ]
        put(console, facts(str(row["symbol"]), pairs), grid("prints", row["prints"], columns))


def clusters(doc: Document, console: Console) -> None:
    """Show what is forced where, and how far the map is to be trusted."""
    columns = [
        ("side", "side", text),
        ("price", "price", price),
        ("usd", "USD", millions),
        ("qty", "coins", price),
        ("distance_frac", "away", percent),
        ("distance_atr", "ATR", text),
    ]
    within = [
        ("within_frac", "within", percent),
        ("forced_down_usd", "forced below", millions),
        ("forced_up_usd", "forced above", millions),
        ("imbalance", "imbalance", text),
        ("k_down", "K below", text),
        ("k_up", "K above", text),
    ]
    for row in doc["clusters"]:
        put(
            console,
            facts(
                f"{row['symbol']} at {price(row['price'])}",
                [
                    ("longs", f"{_score(row['score_long'])}; weight {row['weight_long']}"),
                    ("shorts", f"{_score(row['score_short'])}; weight {row['weight_short']}"),
                    ("warmth", percent(row["warmth"])),
                    ("for the book", f"{millions(row.get('depth_guess_usd'))} of an hour's volume"),
                ],
            ),
            grid("estimated", row["estimated"], columns),
            grid("realised", row["realised"], columns),
            grid("if price moves", row["within"], within),
        )
    put(console, f"[dim]{doc['note']}[/]")


def _score(score: Any) -> str:  # noqa: ANN401 - JSON value
    if score is None:
        return "no score yet: too few hours with known liquidations"
    return (
        f"score {score['partial']} over {score['hours']} h (random levels {score['random']}, "
        f"price alone {score['excursion']})"
    )


def scenarios(doc: Document, console: Console) -> None:
    """Show the declared scenarios and what the running ones allow."""
    columns = [
        ("name", "scenario", text),
        ("status", "status", text),
        ("stage", "stage", text),
        ("trigger", "starts by", lines),
        ("invalidation", "ends by", text),
        ("targets", "targets", lambda value: ", ".join(price(each) for each in value)),
        ("targets_hit", "hit", text),
        ("note", "note", text),
    ]
    allowed = [
        ("symbol", "symbol", text),
        ("allowed_sides", "sides", ", ".join),
        ("size_factor", "size", text),
        ("threat_add", "threat +", text),
        ("tighten_stops", "tighten", yes),
        ("reasons", "because", lines),
    ]
    put(
        console,
        grid("scenarios", doc["scenarios"], columns),
        grid("what holds now", doc["standing"], allowed),
    )
