"""Measures of the pure parts: one kernel step with many symbols, and the rate of a replay."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.market import MarkPrice, TradeBucket
from bot.domain.messages import AccountSnapshot, InstrumentsLoaded, Started
from bot.domain.orders import OrderKind, OrderSide
from bot.domain.policy import LimitPolicy, Policy
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.bench.authored import START_NS, authored_material, authored_track
from bot.lab.options import ReplayOptions
from bot.lab.replay import replay_folder, replay_material
from bot.lab.stage import ACCOUNT, Stage, TapeClock
from bot.ports import Clock
from bot.simulator.contracts import BTC
from bot.simulator.dice import Dice
from bot.simulator.exchange import BarModel, Exchange, MarketTick, OrderRequest
from bot.simulator.inprocess import InProcessVenue

Numbers = dict[str, float | int | str]
EVENT_GAP_NS = 5 * NS_PER_MS
WARM_STEPS = 2_000
HELD_EVERY = 5
"""One symbol of five holds a position with its stop, opened by hand."""
PRICE = 50_000.0


def bench_kernel(clock: Clock, *, symbols: int = 20, steps: int = 20_000) -> Numbers:
    """Return p50, p99 and worst microseconds of a kernel step for marks and trades.

    The kernel runs as it does live: it builds bars from trades, and one symbol of five is held.
    """
    stage, kernel = staged(symbols)
    names = list(kernel.state.markets)
    dice = Dice(7)
    prices = [PRICE] * len(names)
    now_ns = stage.now_ns
    spent_ns: list[int] = []
    for count in range(WARM_STEPS + steps):
        now_ns += EVENT_GAP_NS
        which = count // 2 % len(names)
        if count % 2 == 0:
            prices[which] *= 1.0 + 2e-5 * (dice.roll() - 0.5)
        event = _event(names[which], now_ns, prices[which], trade=count % 2 == 1)
        began_ns = clock.monotonic_ns()
        effects = kernel.step(event)
        spent = clock.monotonic_ns() - began_ns
        if count >= WARM_STEPS:
            spent_ns.append(spent)
        stage.now_ns = now_ns
        if effects:
            stage.take(effects)
        if stage.next_ns is not None and stage.next_ns <= now_ns:
            stage.catch_up(now_ns)
    spent_ns.sort()
    return {
        "symbols": symbols,
        "held": -(-symbols // HELD_EVERY),
        "steps": steps,
        "p50_us": percentile(spent_ns, 0.50) / 1e3,
        "p99_us": percentile(spent_ns, 0.99) / 1e3,
        "max_us": spent_ns[-1] / 1e3,
        "steps_per_s": len(spent_ns) / (sum(spent_ns) / NS_PER_S),
        "aim": "p50 <= 20 us, p99 <= 100 us",
    }


def percentile(ordered: Sequence[int], share: float) -> float:
    """Return the value below which `share` of the ordered values lie; 0.0 for none."""
    if not ordered:
        return 0.0
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def bench_replay(clock: Clock, data: Path | None = None, *, bars: int = 4_000) -> Numbers:
    """Return the rate of a guarded replay: of `data`, or of made-up bars when there is none."""
    options = ReplayOptions(data=data or Path("authored"), hold="long", leverage=5, clock=clock)
    began_ns = clock.monotonic_ns()
    if data is not None:
        result = replay_folder(options)
    else:
        track = authored_track(BTC.symbol, bars=bars)
        result = replay_material(authored_material([track]), options)
    seconds = (clock.monotonic_ns() - began_ns) / NS_PER_S
    return {
        "data": result.data,
        "events": result.events,
        "events_per_s": result.events_per_s or 0.0,
        "seconds": seconds,
        "days": (result.to_ns - result.from_ns) / NS_PER_S / 86_400,
    }


def _event(symbol: str, now_ns: int, price: float, *, trade: bool) -> MarkPrice | TradeBucket:
    if trade:
        return TradeBucket(symbol, now_ns, now_ns, 1, 0.5, 0.25, price, price, price)
    return MarkPrice(symbol, now_ns, now_ns, price, price)


def staged(symbols: int) -> tuple[Stage, Kernel]:
    """Return a stage whose kernel knows `symbols` contracts and guards every fifth."""
    contracts = [_contract(n) for n in range(symbols)]
    exchange = Exchange(contracts, fill_model=BarModel())
    exchange.open_account(ACCOUNT, Decimal(1_000_000))
    exchange.drain()
    limits = LimitPolicy(symbols=tuple(c.symbol for c in contracts))
    kernel = Kernel(Policy(limits=limits), (), "bench000")
    stage = Stage(exchange, InProcessVenue(exchange, ACCOUNT, TapeClock(exchange)), kernel, 0)
    stage.now_ns = START_NS
    stage.tell(Started(run_id="bench000", event_ns=START_NS, received_ns=START_NS))
    stage.tell(InstrumentsLoaded(START_NS, START_NS, tuple(contracts)))
    for contract in contracts:
        exchange.apply(
            MarketTick(
                symbol=contract.symbol, event_ns=START_NS, last=PRICE, mark=PRICE, index=PRICE
            )
        )
        stage.equity.marks[contract.symbol] = PRICE
    stage.tell(AccountSnapshot(START_NS, START_NS, exchange.account(ACCOUNT)))
    stage.look()
    for contract in contracts[::HELD_EVERY]:
        exchange.submit(
            ACCOUNT,
            OrderRequest(
                symbol=contract.symbol,
                side=OrderSide.BUY,
                kind=OrderKind.MARKET,
                qty=Decimal(1),
                client_order_id=f"hand-{contract.base}",
            ),
        )
        stage.deliver()
    for second in range(1, 11):
        stage.catch_up(START_NS + second * NS_PER_S)
        stage.now_ns = START_NS + second * NS_PER_S
        stage.look()
    return stage, kernel


def _contract(number: int) -> Instrument:
    base = f"C{number:02d}"
    return msgspec.structs.replace(
        BTC, symbol=f"{base}/USDT:USDT", venue_id=f"{base}USDT", base=base
    )
