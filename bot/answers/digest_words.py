"""The last day of the account in plain words, whatever carries them."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def words(doc: Document) -> str:
    """Return the answer `digest` as a few lines: money, trades by their end, what is held."""
    head = (
        f"LATCHED: {doc['latch_reason']}"
        if doc["latched"]
        else f"{doc['mode']}: {doc['mode_reason']}"
    )
    lines = [head, _money(doc), _trades(doc)]
    lines += [
        f"- by {row['left_by']}: {row['trades']}, {row['wins']} won, {_signed(row['result_usd'])}"
        for row in doc["by_exit"]
    ]
    lines += [_held(leg) for leg in doc["held"]] or ["Nothing is held."]
    if doc["unprotected"]:
        lines.append(f"UNPROTECTED: {', '.join(doc['unprotected'])}. Next: /positions.")
    if doc["threat"] is not None:
        lines.append(f"Threat to what is held: {doc['threat']} of 5.")
    return "\n".join(lines)


def _money(doc: Document) -> str:
    if doc["equity_usd"] is None:
        return "The account has not been read yet."
    share = doc["change_frac"]
    change = (
        "what it was a day ago is not recorded"
        if doc["change_usd"] is None
        else f"{_signed(doc['change_usd'])} {_span(doc)}"
        + ("" if share is None else f" ({share:+.2%})")
    )
    fallen = "" if doc["drawdown_frac"] is None else f", {doc['drawdown_frac']:.2%} under the peak"
    return f"Equity {doc['equity_usd']:,.2f} USD, {change}{fallen}."


def _span(doc: Document) -> str:
    if doc["whole_day"]:
        return "in 24 h"
    return f"since {str(doc['since'])[:16].replace('T', ' ')} UTC, when the record begins"


def _trades(doc: Document) -> str:
    if not doc["trades"]:
        return "No trade was closed in 24 h."
    result = _signed(doc["trades_result_usd"])
    return f"{doc['trades']} trades closed, {doc['wins']} won, {result} after costs:"


def _held(leg: Document) -> str:
    coin = str(leg["symbol"]).split("/", 1)[0]
    stop = leg["stop_distance_frac"]
    guard = "NO FULL STOP" if not leg["protected"] else f"stop {_share(stop)} away"
    far = (
        "no price liquidates it"
        if leg["liq_exists"] is False
        else f"liquidation {_share(leg['liq_distance_frac'])} away"
    )
    return f"{coin} {leg['side']} {leg['qty']}: {_signed(leg['upnl_usd'])}, {guard}, {far}."


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+,.2f} USD"


def _share(value: float | None) -> str:
    return "unknown how far" if value is None else f"{value:.2%}"
