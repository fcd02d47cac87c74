"""The live account as a finished replay is told: the same sections from the rows of the journal.

What a journal does not hold is not made up: prices come from a data folder if one is given, and
without them the chart has no bars and the cuts are not judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.data.folder import Folder
from bot.domain.market import Candle
from bot.kernel.track import TRANSFERS
from bot.lab.options import EquityPoint, FillMark, ReplayResult, StopMark, StoryLine, Traces
from bot.lab.pages.dossier import dossier, round_trips
from bot.lab.story import ACTION_KINDS, QUIET_KINDS, utc_text

FUNDING: Final = "FUNDING_FEE"
FLAT: Final = 1e-9
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Account:
    """A told account: `result` for chart and sections, `summary` for people, `transfers_usd`."""

    result: ReplayResult
    summary: list[tuple[str, str]]
    transfers_usd: float
    title: str
    subtitle: str


def account_of(
    tables: Mapping[str, Rows], *, mode: str, profile: str, slip_bps: float, folder: Folder | None
) -> tuple[Account, dict[str, Any]]:
    """Return an account and its sections; `tables` are rows by name, oldest first.

    Equity is told net of transfers that came after the first point: what was earned, not what
    was paid in.
    """
    fills = _fills(tables)
    transfers = [(int(r["event_ns"]), float(r["amount"])) for r in _income(tables, *TRANSFERS)]
    equity = _equity(tables["equity"], transfers)
    story = _story(tables["decisions"])
    from_ns, to_ns = equity[0].event_ns, equity[-1].event_ns
    symbols = tuple(sorted({fill.symbol for fill in fills} | _symbols(folder, fills)))
    trips = round_trips(fills, _stops(tables, fills))
    first, last = equity[0].equity_usd, equity[-1].equity_usd
    fall, fall_ns = _worst(equity)
    actions = [line for line in story if line.kind in ACTION_KINDS]
    result = ReplayResult(
        data=f"{mode} account", from_ns=from_ns, to_ns=to_ns, symbols=symbols, hold=None,
        leverage=0, margin="", guard=True, profile=profile, stop_fill="touch", start="", seed=0,
        strategies=(), events=len(story), events_per_s=None, trades=len(trips),
        wins=sum(1 for trip in trips if trip.result_usd > 0.0), wallet_usd=first,
        final_equity_usd=last, return_frac=last / first - 1.0 if first > 0.0 else 0.0,
        max_drawdown_frac=fall, max_drawdown_ns=fall_ns,
        liquidations=sum(1 for fill in fills if fill.purpose == "liquidation"),
        delever_actions=len(actions),
        stops_filled=sum(1 for fill in fills if fill.purpose == "STOP"),
        latched=bool(tables["modes"] and tables["modes"][-1]["latched"]),
        fees_usd=sum(float(row["fee_usd"]) for row in tables["fills"]),
        funding_usd=sum(float(row["amount"]) for row in _income(tables, FUNDING)),
        unprotected_s_max=0.0, worst_margin_ratio=0.0, actions_a_day_max=0,
        refused_orders=sum(1 for row in tables["decisions"] if row["kind"] in QUIET_KINDS),
        digest="", actions=actions, story=story, caveats=_caveats(folder, fills),
        traces=Traces(
            bars={symbol: _bars(folder, symbol, from_ns, to_ns) for symbol in symbols},
            equity=equity, fills=fills, stops=_stops(tables, fills), levels=(),
        ),
    )  # fmt: skip
    sections = dossier(result, slip_bps)
    if folder is None:
        sections["cuts"] = {"cuts": len(actions), "judged": "not without prices: see --data"}
    moved = sum(amount for _, amount in transfers)
    return _told(result, moved, len(tables["runs"])), sections


def _told(result: ReplayResult, transfers_usd: float, starts: int) -> Account:
    span = f"{utc_text(result.from_ns)} .. {utc_text(result.to_ns)} UTC"
    summary = [
        ("account", f"{result.data}, guard {result.profile or 'by loss budget'}"),
        ("from .. to", span),
        ("equity", f"{result.wallet_usd:,.2f} to {result.final_equity_usd:,.2f} USD, "
                   f"net of transfers ({result.return_frac:+.2%})"),
        ("transfers", f"{transfers_usd:+,.2f} USD"),
        ("max drawdown", f"{result.max_drawdown_frac:.2%}"),
        ("liquidations", str(result.liquidations)),
        ("guard", f"{result.delever_actions} actions, {result.stops_filled} stops filled"),
        ("trades", f"{result.trades} from flat to flat, {result.wins} won before fees"),
        ("fees, funding", f"{result.fees_usd:,.2f} USD paid, {result.funding_usd:+,.2f} USD"),
        ("refused orders", str(result.refused_orders)),
        ("starts", str(starts)),
    ]  # fmt: skip
    if result.latched:
        summary.insert(5, ("latched", "the loss budget is used; nothing opens until re-armed"))
    title = f"The {result.data}"
    return Account(
        result=result, summary=summary, transfers_usd=transfers_usd, title=title, subtitle=span
    )


def account_document(account: Account, sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account as one JSON-able document; times are UTC text, money USD."""
    result = account.result
    known = (
        "symbols", "profile", "wallet_usd", "final_equity_usd", "return_frac",
        "max_drawdown_frac", "trades", "wins", "liquidations", "delever_actions", "stops_filled",
        "latched", "fees_usd", "funding_usd", "refused_orders",
    )  # fmt: skip
    return {
        "account": result.data,
        "from": utc_text(result.from_ns).replace(" ", "T") + "Z",
        "to": utc_text(result.to_ns).replace(" ", "T") + "Z",
        "transfers_usd": account.transfers_usd,
        **{name: getattr(result, name) for name in known},
        **sections,
        "story": [
            {"time": utc_text(line.event_ns), "kind": line.kind, "symbol": line.symbol,
             "what": line.what, "why": line.why, "measured": line.measured, "limit": line.limit}
            for line in result.story
        ],
        "caveats": list(result.caveats),
    }  # fmt: skip


def _fills(tables: Mapping[str, Rows]) -> list[FillMark]:
    purposes = {row["client_order_id"]: row["purpose"] for row in tables["intents"]}
    return [
        FillMark(
            event_ns=int(row["event_ns"]),
            symbol=row["symbol"],
            side=row["side"],
            qty=float(row["qty"]),
            price=float(row["price"]),
            purpose="liquidation"
            if row["is_liquidation"]
            else purposes.get(row["client_order_id"], "hand"),
        )
        for row in tables["fills"]
    ]


def _stops(tables: Mapping[str, Rows], fills: Sequence[FillMark]) -> list[StopMark]:
    """Return the triggers of stops as they were asked for, and 0.0 when a symbol was flat again."""
    marks = [
        StopMark(int(row["event_ns"]), row["symbol"], float(row["trigger_price"]))
        for row in tables["intents"]
        if row["purpose"] == "STOP" and row["trigger_price"] is not None
    ]
    held: dict[str, float] = {}
    for fill in fills:
        sign = 1.0 if fill.side == "BUY" else -1.0
        held[fill.symbol] = held.get(fill.symbol, 0.0) + sign * fill.qty
        if abs(held[fill.symbol]) < FLAT:
            marks.append(StopMark(fill.event_ns, fill.symbol, 0.0))
    return sorted(marks, key=lambda mark: mark.event_ns)


def _equity(rows: Rows, transfers: Sequence[tuple[int, float]]) -> list[EquityPoint]:
    out: list[EquityPoint] = []
    moved, at = 0.0, 0
    first_ns = int(rows[0]["event_ns"])
    later = [(ns, amount) for ns, amount in transfers if ns > first_ns]
    for row in rows:
        ns = int(row["event_ns"])
        while at < len(later) and later[at][0] <= ns:
            moved += later[at][1]
            at += 1
        value = float(row["equity_usd"]) - moved
        out.append(EquityPoint(ns, value, value))
    return out


def _worst(equity: Sequence[EquityPoint]) -> tuple[float, int]:
    peak, fall, at_ns = 0.0, 0.0, 0
    for point in equity:
        peak = max(peak, point.equity_usd)
        lost = 1.0 - point.worst_usd / peak if peak > 0.0 else 0.0
        if lost > fall:
            fall, at_ns = lost, point.event_ns
    return fall, at_ns


def _story(rows: Rows) -> list[StoryLine]:
    return [
        StoryLine(
            event_ns=int(row["event_ns"]),
            kind=row["kind"],
            symbol=row["symbol"],
            price=0.0,
            what=row["what"],
            why=row["why"],
            measured=row["measured"],
            limit=row["limit"],
        )
        for row in rows
        if row["kind"] not in QUIET_KINDS
    ]


def _income(tables: Mapping[str, Rows], *kinds: str) -> Rows:
    return [row for row in tables["income"] if row["kind"] in kinds]


def _symbols(folder: Folder | None, fills: Sequence[FillMark]) -> set[str]:
    """Return the first symbol of the folder where nothing was traded: the chart needs a price."""
    return set(folder.symbols[:1]) if folder is not None and not fills else set()


def _bars(folder: Folder | None, symbol: str, from_ns: int, to_ns: int) -> list[Candle]:
    if folder is None or symbol not in folder.symbols:
        return []
    rows = folder.bars(symbol)
    closes = rows.close_ns
    return [
        Candle(
            symbol,
            int(closes[n]),
            int(closes[n]),
            int(rows.timeframe_s[n]),
            float(rows.open[n]),
            float(rows.high[n]),
            float(rows.low[n]),
            float(rows.close[n]),
            float(rows.volume[n]),
        )
        for n in range(len(rows))
        if from_ns < closes[n] <= to_ns
    ]


def _caveats(folder: Folder | None, fills: Sequence[FillMark]) -> list[str]:
    out = [
        "Equity as the bot wrote it, a point a minute: what happened between two points is not"
        " in the drawdown.",
        "Deposits and withdrawals after the first point are taken out of equity.",
        "A trade is from flat to flat, before fees and funding; its risk is the way to the first"
        " stop that was sent after its entry. One that began before the report is not among them.",
        "Orders by hand are known by their executions.",
    ]
    if folder is None:
        out.append("Prices are not in the journal: the chart has no bars, cuts are not judged.")
    else:
        out.append(f"Prices from {Path(folder.path).name}.")
    if not fills:
        out.append("Nothing was traded.")
    return out
