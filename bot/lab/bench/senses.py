"""Measures the quiet band's fold and a whole judgement of many symbols, on made-up markets."""

import statistics
from typing import Final

import msgspec
import numpy as np

from bot.domain.market import FundingRate, Liquidation, OpenInterest, Reading
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.kernel.assess import judge
from bot.kernel.market import Bar
from bot.kernel.observe import funding, liquidations, open_interest, path, readings
from bot.kernel.quiet import Tape, fold
from bot.kernel.sensed import SensePolicy, Senses
from bot.lab.bench.authored import START_NS
from bot.lab.bench.kernel import Numbers, percentile, staged
from bot.ports import Clock

VENUES: Final = ("binance", "bybit", "okx", "hyperliquid")
BAR_NS: Final = 5 * NS_PER_MIN
DAYS: Final = 32
TRADES_PER_S: Final = 200
STEP_SAMPLE: Final = 50_000


def bench_fold(clock: Clock, *, trades: int = 2_000_000) -> Numbers:
    """Return the time a trade that is folded by the quiet band, beside a step for each.

    One busy contract, held with its stop; steps that end a fold are in the figure. What a fold
    saves is saved for trades only: bars, timers and marks are told as before.
    """
    stage, kernel = staged(1)
    (symbol,) = kernel.state.markets
    tape = _tape(symbol, stage.now_ns + NS_PER_S, trades)
    at = steps = 0
    began_ns = clock.monotonic_ns()
    while at < tape.ns.size:
        bucket, at = fold(tape, at, kernel.quiet(symbol))
        effects = kernel.step(bucket)
        steps += 1
        if effects:
            stage.now_ns = bucket.event_ns
            stage.take(effects)
    folded_ns = clock.monotonic_ns() - began_ns
    _, plain = staged(1)
    sample = min(trades, STEP_SAMPLE)
    alone = [fold(tape, n, None)[0] for n in range(sample)]
    began_ns = clock.monotonic_ns()
    for bucket in alone:
        plain.step(bucket)
    plain_ns = clock.monotonic_ns() - began_ns
    return {
        "trades": trades,
        "steps": steps,
        "trades_per_step": trades / steps,
        "ns_per_trade_folded": folded_ns / trades,
        "ns_per_trade_stepped": plain_ns / sample,
        "aim": "about 70 ns a trade inside the band",
    }


def bench_assessment(clock: Clock, *, symbols: int = 20, rounds: int = 240) -> Numbers:
    """Return milliseconds of judging all symbols once, with a month of every input of four venues.

    Once an hour the baselines are renewed as well: `max_ms` holds those rounds.
    """
    now_ns = START_NS + DAYS * 24 * NS_PER_H
    one = _warm(now_ns)
    blob = msgspec.msgpack.encode(one)
    all_senses = [msgspec.msgpack.decode(blob, type=Senses) for _ in range(symbols)]
    policy, spent_ns = SensePolicy(), []
    for number in range(rounds + 1):
        at_ns = now_ns + number * NS_PER_MIN
        for senses in all_senses:
            _minute(senses, at_ns, number)
        began_ns = clock.monotonic_ns()
        for senses in all_senses:
            judge.assess(senses, at_ns, policy)
        if number > 0:
            spent_ns.append(clock.monotonic_ns() - began_ns)
    spent_ns.sort()
    return {
        "symbols": symbols,
        "rounds": rounds,
        "best_ms": spent_ns[0] / 1e6,
        "p50_ms": statistics.median(spent_ns) / 1e6,
        "p99_ms": percentile(spent_ns, 0.99) / 1e6,
        "max_ms": spent_ns[-1] / 1e6,
        "aim": "20 symbols in 2 ms",
    }


def _tape(symbol: str, start_ns: int, trades: int) -> Tape:
    dice = np.random.default_rng(3)
    gaps_ns = dice.exponential(NS_PER_S / TRADES_PER_S, trades).astype(np.int64)
    walk = np.cumsum(dice.normal(0.0, 2e-6, trades))
    return Tape(
        symbol=symbol,
        ns=start_ns + np.cumsum(gaps_ns),
        price=np.round(50_000.0 * np.exp(walk), 1),
        qty=np.round(dice.exponential(0.2, trades) + 0.001, 3),
        is_buy=dice.random(trades) < 0.5,
    )


def _warm(now_ns: int) -> Senses:
    """Return senses that have lived through `DAYS` days of four venues."""
    senses, policy = Senses(symbol="BTC/USDT:USDT"), SensePolicy()
    dice, price = np.random.default_rng(4), 80_000.0
    for open_ns in range(START_NS, now_ns, BAR_NS):
        first, price = price, price * float(np.exp(dice.normal(0.0, 0.0013)))
        high, low = max(first, price) * 1.0005, min(first, price) * 0.9995
        bar = Bar(open_ns, first, high, low, price, 100.0)
        path.on_bar(senses, bar, open_ns + BAR_NS, policy)
        if open_ns % NS_PER_H == 0:
            _hour(senses, open_ns + BAR_NS, dice, price)
            judge.assess(senses, open_ns + BAR_NS, policy)
    return senses


def _hour(senses: Senses, ns: int, dice: np.random.Generator, price: float) -> None:
    for number, venue in enumerate(VENUES):
        qty = 90_000.0 / (number + 1) * (1.0 + 0.01 * float(dice.normal()))
        open_interest.on_open_interest(senses, OpenInterest(senses.symbol, ns, ns, venue, qty))
        rate = 1e-4 + 2e-5 * float(dice.normal())
        funding.on_funding(
            senses, FundingRate(senses.symbol, ns, ns, venue, rate, 28_800, settled=True)
        )
        for _ in range(5):
            _print(senses, ns, venue, 1.0 + 5.0 * float(dice.random()), price)
    for name, value in (
        ("fear_greed", 40.0),
        ("btc_etf_net_flow_usd", -5e7),
        ("spx_return", -0.002),
    ):
        readings.on_reading(senses, Reading("bench", name, ns, ns, value))


def _minute(senses: Senses, ns: int, number: int) -> None:
    for venue in VENUES:
        _print(senses, ns, venue, 1.0 + number * 1e-3, senses.price.close)
    if number % 5 == 0:
        close = senses.price.close
        bar = Bar(ns - BAR_NS, close, close * 1.0006, close * 0.9994, close, 90.0)
        path.on_bar(senses, bar, ns, SensePolicy())


def _print(senses: Senses, ns: int, venue: str, qty: float, price: float) -> None:
    event = Liquidation(senses.symbol, ns, ns, venue, PositionSide.LONG, qty, price)
    liquidations.on_liquidation(senses, event, SensePolicy())
