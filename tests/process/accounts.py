"""Two accounts in one daemon through the first days of February 2026: `./run campaign accounts`.

Each holds a 5x long in bitcoin opened by hand on an embedded venue of its own, one speaking
Binance's protocol, the other the one named. When the price falls through `--dark-below` the second
venue is stopped for a while. Said at the end: what each account and both together lost at most,
what was claimed while one could not be seen, and whether a stop was ever missing at the other.
"""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bot.app.embedded.process import Address, last_address
from tests.e2e.test_accounts import BESIDE
from tests.fakes.bybit_handle import BybitHandle
from tests.fakes.daemon import Daemon, NotReady, Stand, until
from tests.fakes.hyperliquid_handle import HyperliquidHandle
from tests.fakes.okx_handle import OkxHandle
from tests.fakes.venue_handle import VenueHandle

DATA = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
FROM, TO = datetime(2026, 1, 29, tzinfo=UTC), datetime(2026, 2, 7, tzinfo=UTC)
LOOK_S = 0.25
DARK_S = 20.0
BUDGET = 0.20
LEVERAGE = 5.0
HANDLES = {
    "binance": VenueHandle, "bybit": BybitHandle, "hyperliquid": HyperliquidHandle,
    "okx": OkxHandle,
}  # fmt: skip
PAST = timedelta(days=1)
"""What the embedded venue takes for history at the start of recorded data."""


@dataclass
class Figures:
    """What a run saw; fractions of peaks."""

    market_from: str = ""
    market_to: str = ""
    market_hours: float = 0.0
    looks: int = 0
    worst_frac: dict[str, float] = field(default_factory=dict)
    """account -> the deepest drawdown that was told."""
    worst_together_frac: float = 0.0
    dark_looks: int = 0
    old_numbers: int = 0
    """Looks at which a sum was told although an account was not seen: must stay 0."""
    bare_looks: int = 0
    """Looks at which the first account told of a bare position while the other was dark."""
    latched: list[str] = field(default_factory=list)
    lowest: float = 1e12
    liquidations: int = 0


def sliced(folder: Path, begin: datetime) -> Path:
    """Write the bitcoin bars from a day before `begin` to TO and return the folder."""
    table = pq.read_table(DATA / "market-data" / "2026-01-cascade" / "candles.parquet")
    times = table["time"].cast(pa.timestamp("us", tz="UTC"))
    keep = pc.and_(pc.greater_equal(times, begin - PAST), pc.less(times, TO))
    for column, value in (("symbol", "BTC/USDT:USDT"), ("timeframe", "5m")):
        keep = pc.and_(keep, pc.equal(table[column], value))
    folder.mkdir()
    pq.write_table(table.filter(keep), folder / "candles.parquet")
    return folder


def market_of(venue: Address) -> datetime:
    """Return the instant at which the market of a venue stands now."""
    lived_ns = (time.time_ns() - venue.wall_ns) * venue.speed
    return datetime.fromtimestamp((venue.market_ns + lived_ns) / 1e9, UTC)


def watch(
    daemon: Daemon, second: int, figures: Figures, venue: Address, dark_below: float, hours: float
) -> None:
    """Look until the market has lived `hours`, or all are latched."""
    began_at, dark_until = market_of(venue), 0.0
    figures.market_from = f"{began_at:%Y-%m-%dT%H:%M}"
    was_dark = False
    while figures.market_hours < hours and len(figures.latched) < 2:
        time.sleep(LOOK_S)
        try:
            doc, status = daemon.ask("accounts"), daemon.status()
        except NotReady:
            continue
        price = status["markets"][0]["mark"] or figures.lowest
        figures.lowest = min(figures.lowest, price)
        now_at = market_of(venue)
        figures.market_to = f"{now_at:%Y-%m-%dT%H:%M}"
        figures.market_hours = round((now_at - began_at) / timedelta(hours=1), 2)
        _note(figures, doc)
        if price < dark_below and not was_dark:
            was_dark, dark_until = True, time.monotonic() + DARK_S
            os.kill(second, signal.SIGSTOP)
        if was_dark and dark_until and time.monotonic() > dark_until:
            os.kill(second, signal.SIGCONT)
            dark_until = 0.0
    if was_dark and dark_until:
        os.kill(second, signal.SIGCONT)


def _note(figures: Figures, doc: dict[str, Any]) -> None:
    figures.looks += 1
    dark = "hedge" in doc["unseen"]
    figures.dark_looks += dark
    figures.old_numbers += bool(doc["unseen"]) and doc["equity_usd"] is not None
    if doc["equity_usd"] is not None and doc["peak_usd"]:
        lost = 1.0 - doc["equity_usd"] / doc["peak_usd"]
        figures.worst_together_frac = max(figures.worst_together_frac, lost)
    for row in doc["accounts"]:
        if row.get("drawdown_frac") is not None:
            before = figures.worst_frac.get(row["account"], 0.0)
            figures.worst_frac[row["account"]] = max(before, row["drawdown_frac"])
        if dark and row["account"] == "main" and row["unprotected"]:
            figures.bare_looks += 1
    figures.latched = [row["account"] for row in doc["accounts"] if row.get("latched")]


def play(speed: float, protocol: str, dark_below: float, hours: float, begin: datetime) -> Figures:
    """Run once and return the figures."""
    figures = Figures()
    beside = json.loads(BESIDE)
    beside["hedge"] |= {"risk": {"profile": "L20"}, "venues": {"exchange": protocol}}
    with TemporaryDirectory(prefix="bw-cascade-") as name:
        folder = sliced(Path(name) / "data", begin)
        with Stand(
            BREAKWATER_ACCOUNTS__BESIDE=json.dumps(beside),
            BREAKWATER_BREAKWATER__PAPER__SCENARIO=str(folder),
            BREAKWATER_BREAKWATER__PAPER__SPEED=str(speed),
            BREAKWATER_LEVELS__BOOK="[]",
        ) as stand:
            stand.start_venue(roomy=True)
            daemon = stand.start_daemon()
            until(lambda: not daemon.ask("accounts")["unseen"], "both are seen")
            mark = daemon.status()["markets"][0]["mark"]
            second = HANDLES[protocol](stand.state / "accounts" / "hedge" / "venue")
            qty = LEVERAGE * 10_000.0 / mark
            stand.venue.by_hand("BUY", f"{qty:.3f}")
            second.by_hand("BUY", f"{qty:.3f}")
            address = last_address(stand.state / "venue")
            assert address is not None
            watch(daemon, second.pid, figures, address, dark_below, hours)
            for account in ("main", "hedge"):
                status = json.loads(stand.run("--account", account, "status", "--json").stdout)
                figures.liquidations += status["counters"]["liquidations"]
            daemon.terminate()
    return figures


def main() -> None:
    """Read the command line, run, print figures; exit 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--speed", type=float, default=600.0, help="market seconds per second")
    parser.add_argument("--protocol", default="bybit", help="of the second venue")
    parser.add_argument("--dark-below", type=float, default=75_000.0)
    parser.add_argument("--hours", type=float, default=212.0, help="of market time")
    parser.add_argument("--begin", default=f"{FROM:%Y-%m-%dT%H:%M}", help="of the market, UTC")
    given = parser.parse_args()
    begin = datetime.fromisoformat(given.begin).replace(tzinfo=UTC)
    if not (DATA / "market-data").is_dir():
        raise SystemExit(f"no recorded market data at {DATA}: set BREAKWATER_SHARED")
    figures = play(given.speed, given.protocol, given.dark_below, given.hours, begin)
    json.dump(asdict(figures), sys.stdout, indent=1)
    sys.stdout.write("\n")
    worst = max([*figures.worst_frac.values(), figures.worst_together_frac])
    broken = figures.old_numbers or figures.bare_looks or figures.liquidations or worst > BUDGET
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
