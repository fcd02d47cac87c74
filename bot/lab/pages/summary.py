"""A finished replay as one JSON document and as a table for people."""

from bot.lab.options import ReplayResult, StoryLine
from bot.lab.story import text_of, utc_text

_DOCUMENT = (
    "symbols", "hold", "leverage", "margin", "guard", "profile", "stop_fill", "start", "seed",
    "strategies", "events", "events_per_s", "trades", "wins", "wallet_usd", "final_equity_usd",
    "return_frac", "max_drawdown_frac", "liquidations", "delever_actions", "stops_filled",
    "latched", "fees_usd", "funding_usd", "unprotected_s_max",
    "worst_margin_ratio", "actions_a_day_max", "refused_orders", "digest",
)  # fmt: skip


def document(result: ReplayResult) -> dict[str, object]:
    """Return the replay as one JSON-able document; times are UTC text, money USD."""
    out: dict[str, object] = {
        "data": result.data,
        "from": _iso(result.from_ns),
        "to": _iso(result.to_ns),
    }
    out |= {name: getattr(result, name) for name in _DOCUMENT}
    out["max_drawdown_at"] = _iso(result.max_drawdown_ns) if result.max_drawdown_ns else None
    out["actions"] = [_row(line) for line in result.actions]
    out["story"] = [_row(line) for line in result.story]
    out["caveats"] = list(result.caveats)
    return out


def sensitivity(kinder: ReplayResult) -> dict[str, float]:
    """Return what a replay with the favourable order inside bars came to, beside the first."""
    return {
        "final_equity_usd": kinder.final_equity_usd,
        "return_frac": kinder.return_frac,
        "max_drawdown_frac": kinder.max_drawdown_frac,
        "liquidations": float(kinder.liquidations),
        "trades": float(kinder.trades),
        "wins": float(kinder.wins),
    }


def _iso(ns: int) -> str:
    return utc_text(ns).replace(" ", "T") + "Z"


def _row(line: StoryLine) -> dict[str, object]:
    return {
        "time": _iso(line.event_ns),
        "kind": line.kind,
        "symbol": line.symbol,
        "price": line.price,
        "what": line.what,
        "why": line.why,
        "measured": line.measured,
        "limit": line.limit,
        "text": text_of(line),
    }


def render_summary(result: ReplayResult) -> list[tuple[str, str]]:
    """Return (label, value) rows for a table."""
    speed = f", {result.events_per_s:,.0f} a second" if result.events_per_s else ""
    rows = [
        ("data", f"{result.data}, {', '.join(result.symbols)}"),
        ("from .. to", f"{utc_text(result.from_ns)} .. {utc_text(result.to_ns)} UTC"),
        ("account", _account_words(result)),
        ("final equity", f"{result.final_equity_usd:,.2f} USD ({result.return_frac:+.1%})"),
        (
            "max drawdown",
            f"{result.max_drawdown_frac:.1%}"
            + (f" at {utc_text(result.max_drawdown_ns)}" if result.max_drawdown_ns else ""),
        ),
        ("liquidations", str(result.liquidations)),
        ("guard", f"{result.delever_actions} actions, {result.stops_filled} stops filled"),
        ("trades", f"{result.trades}, {result.wins} won"),
        ("fees, funding", f"{result.fees_usd:,.2f} USD paid, {result.funding_usd:+,.2f} USD"),
        ("without a stop", f"{result.unprotected_s_max:.3f} s at most, beyond the order latency"),
        ("events", f"{result.events:,}{speed}"),
        ("digest", result.digest[:16]),
    ]
    if result.latched:
        rows.insert(6, ("latched", "the loss budget is used; the guard stays flat until re-armed"))
    return rows


def _account_words(result: ReplayResult) -> str:
    parts = [f"{result.wallet_usd:,.0f} USD"]
    if result.hold is not None:
        parts.append(f"holds {result.hold} {result.leverage}x {result.margin.lower()}")
    parts.append(f"guard {result.profile}" if result.guard else "no guard")
    if result.strategies:
        parts.append("trades " + ", ".join(result.strategies))
    return ", ".join(parts)
