"""Measures the kernel alone: one step, and a replay of an authored market."""

import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bot.app.policy import policy_of
from bot.app.settings import Settings
from bot.domain.account import AccountState, MarginMode
from bot.domain.instrument import Instrument
from bot.domain.market import MarkPrice, TradeBucket
from bot.domain.messages import AccountSnapshot, Event, InstrumentsLoaded, Started
from bot.domain.policy import LimitPolicy, Policy
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.options import ReplayOptions
from bot.lab.replay import replay_folder
from bot.ports import Clock
from bot.simulator.contracts import BTC
from bot.simulator.default_path import history

SYMBOLS = 20
START_NS = 1_769_983_200 * NS_PER_S
STEP_NS = 50 * NS_PER_MS
BAR_S = 300


def quantile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the sorted values lie (nearest rank)."""
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]


def kernel_figures(clock: Clock, rounds: int) -> dict[str, float]:
    """Return p50 and p99 of one step for a market event with 20 symbols, in microseconds."""
    kernel = _warm_kernel()
    events = _market(rounds)
    spent: list[float] = []
    for event in events:
        began = clock.monotonic_ns()
        kernel.step(event)
        spent.append((clock.monotonic_ns() - began) / 1e3)
    spent.sort()
    return {
        "kernel_step_us_p50": round(quantile(spent, 0.50), 2),
        "kernel_step_us_p99": round(quantile(spent, 0.99), 2),
        "kernel_step_us_max": round(spent[-1], 2),
        "kernel_steps": rounds,
    }


def replay_figures(clock: Clock, settings: Settings, days: int) -> dict[str, float]:
    """Return how fast a held position is replayed through an authored market, story included."""
    policy = policy_of(settings, mode="replay")
    with TemporaryDirectory(prefix="breakwater-bench-") as folder:
        _write_candles(Path(folder), days)
        began = clock.monotonic_ns()
        result = replay_folder(
            ReplayOptions(data=Path(folder), policy=policy, hold="long", leverage=3, clock=clock)
        )
        spent_s = (clock.monotonic_ns() - began) / NS_PER_S
    return {
        "replay_events": result.events,
        "replay_events_per_s": round(result.events_per_s or 0.0),
        "replay_days_per_s": round(days / spent_s, 2),
    }


def _write_candles(folder: Path, days: int) -> None:
    """Write five-minute bars of the authored market as a data folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    bars = [bar for bar in history(days=days, timeframe_s=BAR_S) if bar.symbol == BTC.symbol]
    opened = [(bar.event_ns - BAR_S * NS_PER_S) // 1_000 for bar in bars]
    columns = {
        "time": pa.array(opened, pa.timestamp("us", tz="UTC")),
        "venue": pa.array(["embedded"] * len(bars)),
        "symbol": pa.array([bar.symbol for bar in bars]),
        "timeframe": pa.array(["5m"] * len(bars)),
    }
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = pa.array([getattr(bar, name) for bar in bars], pa.float64())
    pq.write_table(pa.table(columns), folder / "candles.parquet")


def _warm_kernel() -> Kernel:
    contracts = _contracts()
    symbols = tuple(contract.symbol for contract in contracts)
    policy = Policy(limits=LimitPolicy(symbols=symbols))
    kernel = Kernel(policy, (), "bench000")
    now = START_NS
    kernel.step(Started(run_id="bench000", event_ns=now, received_ns=now))
    kernel.step(InstrumentsLoaded(now, now, contracts))
    account = AccountState(
        wallet_usd=Decimal(10_000),
        positions=(),
        orders=(),
        event_ns=now,
        hedge_mode=False,
        margin_modes=dict.fromkeys(symbols, MarginMode.ISOLATED),
    )
    kernel.step(AccountSnapshot(now, now, account))
    return kernel


def _contracts() -> tuple[Instrument, ...]:
    return tuple(
        msgspec.structs.replace(BTC, symbol=f"C{n}/USDT:USDT", venue_id=f"C{n}USDT", base=f"C{n}")
        for n in range(SYMBOLS)
    )


def _market(rounds: int) -> list[Event]:
    """Return trades and marks of 20 symbols in turn, 50 ms apart, on a gentle wave."""
    symbols = [contract.symbol for contract in _contracts()]
    events: list[Event] = []
    for n in range(rounds):
        now = START_NS + n * STEP_NS
        price = 76_000.0 * (1.0 + 0.002 * math.sin(n / 500.0))
        symbol = symbols[n % SYMBOLS]
        if n // SYMBOLS % 2:
            events.append(MarkPrice(symbol, now, now, price, price))
        else:
            events.append(TradeBucket(symbol, now, now, 3, 0.5, 0.3, price, price, price))
    return events
