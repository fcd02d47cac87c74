"""Replay of a data folder: the same kernel and the same exchange, one instant after another."""

import hashlib
from collections import Counter
from itertools import islice

import msgspec

from bot.data.folder import read_folder
from bot.domain.errors import ConfigInvalid
from bot.domain.market import MarkPrice, TradeBucket
from bot.domain.messages import AccountSnapshot, InstrumentsLoaded, Started, TimerFired
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_DAY, NS_PER_MS, NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.checkpoint import EVERY, Checkpoints
from bot.lab.hand import held_symbols, open_by_hand, prepare, take_winner
from bot.lab.material import Material, material_of
from bot.lab.options import EquityPoint, ReplayOptions, ReplayResult, StoryLine, Traces
from bot.lab.path import Phase, candle_of, instants, price_at
from bot.lab.sense_tape import SenseTape
from bot.lab.stage import ACCOUNT, Stage, TapeClock
from bot.simulator.exchange import BarModel, Exchange, MarketTick
from bot.simulator.inprocess import InProcessVenue
from bot.simulator.margin import Brackets

__all__ = ["ReplayOptions", "ReplayResult", "replay_folder"]

PROGRESS_EVERY = 2_000
SETTLE_NS = 5 * NS_PER_S
"""After the last bar, orders under way still arrive for this long."""


class _Run:
    """One replay under way."""

    def __init__(self, options: ReplayOptions, material: Material) -> None:
        self.options = options
        self.material = material
        self.stage = _stage(options, material)
        self.held = held_symbols(material.symbols, options)
        self.opened = not self.held
        self.day = 0
        self.high_first = [False] * len(material.tracks)
        self.last: dict[str, float] = {}
        self.worst_usd = float(options.wallet_usd)
        self.curve: list[EquityPoint] = []
        self.sense = SenseTape()

    def play(self) -> None:
        """Walk every instant of the material."""
        stage, material, progress = self.stage, self.material, self.options.progress
        kept = self._kept()
        played = kept.resume(stage, self) if kept is not None else 0
        if not played:
            self._start()
        news_ns = [ns for ns, _ in material.news]
        whole_ns = material.end_ns - material.start_ns
        walk = instants(material.tracks, news_ns, material.start_ns, material.end_ns)
        for count, (ns, phase, number, bar) in enumerate(islice(walk, played, None), played):
            self._live(ns, phase, number, bar)
            if kept is not None and (count + 1) % EVERY == 0:
                kept.keep(count + 1, stage, self)
            if progress is not None and count % PROGRESS_EVERY == 0:
                progress(min(1.0, (ns - material.start_ns) / whole_ns))
        stage.catch_up(stage.now_ns + SETTLE_NS)
        stage.cover.close(stage.now_ns)
        if kept is not None:
            kept.done()

    def _live(self, ns: int, phase: int, number: int, bar: int) -> None:
        """Let one instant happen, after everything that was under way until then."""
        stage, material = self.stage, self.material
        if stage.next_ns is not None and stage.next_ns <= ns:
            stage.catch_up(ns)
        stage.now_ns = ns
        if phase == Phase.BAR_CLOSED:
            candle = material.told[number][bar]
            if candle is not None:
                stage.tell(candle)
        elif phase == Phase.NEWS:
            stage.tell(material.news[bar][1])
            self.sense.on_news(material.news[bar][1])
        elif phase == Phase.TIMER:
            self._timer(ns)
        elif phase == Phase.READ:
            stage.tell(TimerFired("reconcile", ns, ns))
        else:
            self._point(ns, phase, number, bar)
        if self.options.sense and stage.kernel is not None:
            self.sense.look(stage.kernel.state)

    def _kept(self) -> Checkpoints | None:
        """Return the file that this replay is kept in; None: it is not.

        Raises:
            ConfigInvalid: readings were asked for, which are not kept.
        """
        if self.options.resume is None:
            return None
        if self.options.sense:
            raise ConfigInvalid("--resume keeps no readings: leave --sense and --report out")
        return Checkpoints(self.options.resume, self.options, self.material)

    def _start(self) -> None:
        stage, start_ns = self.stage, self.material.start_ns
        stage.now_ns = start_ns
        stage.exchange.advance(start_ns)
        if stage.kernel is None:
            return
        run_id = stage.kernel.state.run_id
        stage.tell(Started(run_id=run_id, event_ns=start_ns, received_ns=start_ns))
        stage.tell(InstrumentsLoaded(start_ns, start_ns, self.material.instruments))
        for event in self.material.before:
            stage.tell(event)
        stage.tell(AccountSnapshot(start_ns, start_ns, stage.venue.account_now()))

    def _timer(self, ns: int) -> None:
        stage = self.stage
        if not self.opened and all(symbol in self.last for symbol in self.held):
            self.opened = True
            open_by_hand(stage, self.held, self.options)
        take_winner(stage, self.held, self.options)
        if stage.kernel is None:
            return
        stage.look()
        if ns // NS_PER_DAY != self.day:
            self.day = ns // NS_PER_DAY
            stage.tell(TimerFired("day", ns, ns))

    def _point(self, ns: int, phase: int, number: int, bar: int) -> None:
        """Move one market to one point of its bar and let everybody see it."""
        stage, track = self.stage, self.material.tracks[number]
        symbol, opens = track.symbol, phase == Phase.OPEN
        if phase == Phase.FIRST:
            adverse = self.options.in_bar == "adverse"
            self.high_first[number] = stage.equity.is_short(symbol) == adverse
        price = price_at(track, bar, phase, high_first=self.high_first[number])
        last = mark = price
        if track.is_mark:
            last = self.last.get(symbol, price)
        else:
            self.last[symbol] = price
            if self.options.sense:
                self.sense.on_price(symbol, ns, price)
            if symbol in self.material.marks and self.material.has_mark(symbol, ns):
                mark = stage.equity.marks.get(symbol, price)
        qty = 0.0 if track.is_mark else 0.25 * track.volume[bar]
        rate = self.material.funding[symbol].next_after(ns) if opens else None
        stage.exchange.apply(
            MarketTick(
                symbol=symbol, event_ns=ns, last=last, mark=mark, index=mark, gap=opens,
                fast=track.fast[bar], qty=qty, buy_qty=0.5 * qty, funding_frac=rate,
                low=track.low[bar], high=track.high[bar],
            )
        )  # fmt: skip
        stage.equity.marks[symbol] = mark
        stage.deliver()
        self._measure(ns, phase, number)
        if stage.kernel is None:
            stage.events += 1
            return
        stage.tell(MarkPrice(symbol, ns, ns, mark, mark))
        if not track.is_mark:
            stage.tell(TradeBucket(symbol, ns, ns, 1, qty, 0.5 * qty, price, price, price))

    def _measure(self, ns: int, phase: int, number: int) -> None:
        equity = self.stage.equity.measure(ns)
        self.worst_usd = min(self.worst_usd, equity)
        if phase == Phase.CLOSE and number == 0:
            self.curve.append(EquityPoint(ns, equity, self.worst_usd))
            self.worst_usd = equity


def replay_folder(options: ReplayOptions) -> ReplayResult:
    """Replay `options.data` and return numbers, story and traces.

    Raises:
        DataInvalid: the folder cannot be used; the message names file and place.
        ConfigInvalid: the options do not fit the data.
    """
    return replay_material(material_of(read_folder(options.data), options), options)


def replay_material(material: Material, options: ReplayOptions) -> ReplayResult:
    """Replay what was already chosen, or made up, instead of a folder.

    Raises:
        ConfigInvalid: the options do not fit the material.
    """
    run = _Run(options, material)
    clock = options.clock
    began_ns = clock.monotonic_ns() if clock is not None else 0
    run.play()
    spent_ns = clock.monotonic_ns() - began_ns if clock is not None else 0
    return _result(run, spent_ns)


def policy_for(options: ReplayOptions, material: Material) -> Policy:
    """Return the policy for told bars; a symbol named for the replay may be traded in it.

    Recorded funding and open interest come when they were settled: their age says nothing.
    """
    limits = options.policy.limits
    allowed = tuple(dict.fromkeys((*limits.symbols, *options.symbols)))
    rules = msgspec.structs.replace(options.policy.rules, flows_stale_s=float("inf"))
    return msgspec.structs.replace(
        options.policy,
        rules=rules,
        bar_s=material.bar_s,
        bars_from="candles",
        venue=material.funding[material.symbols[0]].venue or options.policy.venue,
        guard_on=options.guard,
        sense_on=options.sense_on,
        limits=msgspec.structs.replace(limits, symbols=allowed),
    )


def _stage(options: ReplayOptions, material: Material) -> Stage:
    exchange = Exchange(
        material.instruments,
        fill_model=BarModel(
            stop_fill=options.stop_fill, seed=options.seed, slip_fast_bps=options.slip_fast_bps
        ),
    )
    for symbol, plan in material.funding.items():
        exchange.set_funding_interval(symbol, plan.interval_s)
    exchange.open_account(ACCOUNT, options.wallet_usd)
    prepare(exchange, material.symbols, options)
    exchange.drain()
    idle = options.hold is not None and not options.guard and not options.strategies
    run_id = f"{options.seed % 16**8:08x}"
    kernel = None if idle else Kernel(policy_for(options, material), options.strategies, run_id)
    venue = InProcessVenue(exchange, ACCOUNT, TapeClock(exchange))
    brackets = {each.symbol: Brackets(each) for each in material.instruments}
    stage = Stage(exchange, venue, kernel, options.latency_ms * NS_PER_MS, brackets)
    stage.silence = options.silence
    return stage


def _busiest_day(actions: list[StoryLine]) -> int:
    """Return the most actions of any UTC day."""
    days = Counter(line.event_ns // NS_PER_DAY for line in actions)
    return max(days.values(), default=0)


def _digest(stage: Stage) -> str:
    """Return the sha256 of the kernel's digest and the exchange's last account."""
    belief = stage.kernel.digest() if stage.kernel is not None else ""
    account = msgspec.msgpack.encode(stage.exchange.account(ACCOUNT))
    return hashlib.sha256(belief.encode() + account).hexdigest()


def _result(run: _Run, spent_ns: int) -> ReplayResult:
    options, material, stage = run.options, run.material, run.stage
    wallet = float(options.wallet_usd)
    final = stage.exchange.equity_usd(ACCOUNT)
    stage.story.end(stage.now_ns, final, wallet, stage.exchange.account(ACCOUNT).positions)
    state = stage.kernel.state if stage.kernel is not None else None
    lines = stage.story.lines
    return ReplayResult(
        data=str(options.data),
        from_ns=material.start_ns,
        to_ns=max(t.open_ns[-1] + t.timeframe_s * NS_PER_S for t in material.tracks),
        symbols=material.symbols,
        hold=options.hold,
        leverage=options.leverage,
        margin=options.margin.value,
        guard=options.guard,
        profile=options.policy.guard.profile,
        stop_fill=options.stop_fill,
        start=options.start,
        seed=options.seed,
        strategies=tuple(s.name for s in options.strategies),
        events=stage.events,
        events_per_s=stage.events / (spent_ns / NS_PER_S) if spent_ns > 0 else None,
        trades=stage.tally.trades,
        wins=stage.tally.wins,
        wallet_usd=wallet,
        final_equity_usd=final,
        return_frac=final / wallet - 1.0,
        max_drawdown_frac=stage.equity.max_drawdown_frac,
        max_drawdown_ns=stage.equity.max_drawdown_ns,
        liquidations=len(stage.tally.liquidated),
        delever_actions=len(stage.actions),
        stops_filled=stage.stops_filled,
        latched=state.latched if state is not None else False,
        fees_usd=float(stage.tally.fees_usd),
        funding_usd=float(stage.tally.funding_usd),
        unprotected_s_max=stage.cover.longest_s,
        worst_margin_ratio=stage.equity.worst_margin_ratio,
        actions_a_day_max=_busiest_day(stage.actions),
        refused_orders=stage.refused,
        digest=_digest(stage),
        actions=stage.actions,
        story=lines,
        caveats=material.caveats,
        closed=tuple(state.closed_trades) if state is not None else (),
        signals=stage.signals,
        traces=Traces(
            bars={
                t.symbol: [candle_of(t, n) for n in range(len(t.open_ns))]
                for t in material.tracks
                if not t.is_mark
            },
            equity=run.curve,
            fills=stage.fills,
            stops=stage.stops,
            levels=options.policy.levels.book,
            sense=run.sense,
        ),
    )
