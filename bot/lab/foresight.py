"""Finds look-ahead and warm-up faults: the same data are cut, begun later, and moved in time.

The kernel is told the recorded events without an exchange; what strategies wish is written down
with its numbers. Whatever they wished before a cut they must wish again when nothing comes after
it. Moved by whole weeks, the data must give the same wishes: a date written into a strategy shows
here. Told the same market but made to forget its memory, a strategy must wish the same once its
warm-up has passed again. How much of the house's own senses differs when the data begin later is
told beside it; that is no fault of a strategy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from bot.domain.market import Candle, MarkPrice
from bot.domain.messages import Event, InstrumentsLoaded, Started
from bot.domain.policy import Policy
from bot.domain.scenario import ScenarioSpec
from bot.domain.strategy import Intent, Memory, Strategy
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel.step import Kernel
from bot.kernel.strategy.view import StrategyView
from bot.lab.material import Material
from bot.lab.options import ReplayOptions
from bot.lab.replay import policy_for
from bot.lab.story import utc_text

WEEKS_NS: Final = 14 * NS_PER_DAY
SAME_FRAC: Final = 1e-9
ALIKE_FRAC: Final = 1e-3
"""Zones that were made from other history may lie a little elsewhere."""
Anew = Callable[[], tuple[Strategy, ...]]
Told = tuple[int, int, Event]
"""(when, order at that instant, what)"""


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """One wish at one close, with its numbers."""

    ns: int
    side: str
    stop_price: float
    target_price: float
    partials: tuple[float, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found of one strategy: `ok`, and the words for people."""

    strategy: str
    check: str
    ok: bool
    words: str


@dataclass(frozen=True, slots=True)
class Tape:
    """Everything a kernel is told, in order, and what was known before it."""

    before: list[Event]
    told: list[Told]


class Listener:
    """A strategy that writes down what another wishes; once, it forgets what that remembered."""

    def __init__(self, inner: Strategy, forget_ns: int = 0) -> None:
        self.name = inner.name
        self.needs = inner.needs
        self.warmup_bars = inner.warmup_bars
        self.wished: list[Wished] = []
        self._inner = inner
        self._forget_ns = forget_ns

    def start(self) -> Memory:
        """Begin as the other does."""
        return self._inner.start()

    def evaluate(self, view: StrategyView, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Ask the other, and keep what it wishes."""
        if 0 < self._forget_ns <= view.close_ns:
            self._forget_ns, memory = 0, self._inner.start()
        memory, wishes = self._inner.evaluate(view, memory)
        for wish in wishes:
            self.wished.append(
                Wished(
                    ns=view.close_ns, side=wish.side.value, stop_price=wish.stop_price,
                    target_price=wish.target_price, partials=wish.exits.partials,
                )
            )  # fmt: skip
        return memory, wishes


def tape_of(material: Material) -> Tape:
    """Return what a kernel is told of a material: closed bars with their marks, and the news."""
    told: list[Told] = []
    start_ns = material.start_ns
    for track, candles in zip(material.tracks, material.told, strict=False):
        if track.is_mark:
            continue
        told += [(c.event_ns, 0, c) for c in candles if c is not None and c.event_ns > start_ns]
    told += [(ns, 1, event) for ns, event in material.news]
    told.sort(key=lambda each: each[:2])
    return Tape(material.before, told)


def wishes_of(
    material: Material,
    policy: Policy,
    strategies: Sequence[Strategy],
    tape: Tape,
    forget_ns: int = 0,
) -> dict[str, list[Wished]]:
    """Return name -> every wish, in order, of strategies that are told a tape.

    At `forget_ns` each loses its memory.
    """
    ears = [Listener(strategy, forget_ns) for strategy in strategies]
    kernel = Kernel(policy, ears, "foresight")
    start_ns = tape.told[0][0] if tape.told else material.start_ns
    kernel.step(Started(run_id="foresight", event_ns=start_ns, received_ns=start_ns))
    kernel.step(InstrumentsLoaded(start_ns, start_ns, material.instruments))
    for event in tape.before:
        kernel.step(event)
    for ns, _, event in tape.told:
        if isinstance(event, Candle):
            kernel.step(MarkPrice(event.symbol, ns, ns, event.close, event.close))
        kernel.step(event)
    return {ear.name: ear.wished for ear in ears}


def cut(tape: Tape, end_ns: int) -> Tape:
    """Return the tape up to an instant, which it contains."""
    return Tape(tape.before, [each for each in tape.told if each[0] <= end_ns])


def begun(tape: Tape, start_ns: int) -> Tape:
    """Return the tape from an instant on, with nothing known before it."""
    return Tape([], [each for each in tape.told if each[0] > start_ns])


def moved(tape: Tape, by_ns: int) -> Tape:
    """Return the tape with every instant moved."""
    told = [(ns + by_ns, order, _moved(event, by_ns)) for ns, order, event in tape.told]
    return Tape([_moved(event, by_ns) for event in tape.before], told)


def _moved(event: Event, by_ns: int) -> Event:
    changes = {"event_ns": event.event_ns + by_ns, "received_ns": event.received_ns + by_ns}
    next_ns = getattr(event, "next_ns", None)
    if next_ns is not None:
        changes["next_ns"] = next_ns + by_ns
    return msgspec.structs.replace(event, **changes)


def moved_policy(policy: Policy, by_ns: int) -> Policy:
    """Return the policy in which people said everything that much later."""
    book = tuple(
        msgspec.structs.replace(spec, known_from_ns=_later(spec.known_from_ns, by_ns))
        for spec in policy.levels.book
    )
    scenarios: tuple[ScenarioSpec, ...] = tuple(
        msgspec.structs.replace(spec, known_from_ns=_later(spec.known_from_ns, by_ns))
        for spec in policy.scenarios
    )
    levels = msgspec.structs.replace(policy.levels, book=book)
    return msgspec.structs.replace(policy, levels=levels, scenarios=scenarios)


def _later(ns: int, by_ns: int) -> int:
    return ns + by_ns if ns > 0 else 0


def check(
    material: Material, options: ReplayOptions, anew: Anew, *, cuts: int = 4
) -> list[Finding]:
    """Return what every check found, by strategy.

    `anew` returns fresh strategies: what one keeps outside its memory must not help it.
    """
    policy, tape = policy_for(options, material), tape_of(material)
    whole = wishes_of(material, policy, anew(), tape)
    found = [_count(name, wished) for name, wished in whole.items()]
    for end_ns in _cut_points(whole, tape, cuts):
        again = wishes_of(material, policy, anew(), cut(tape, end_ns))
        found += [_judge_cut(name, whole[name], again[name], end_ns) for name in whole]
    later = wishes_of(material, moved_policy(policy, WEEKS_NS), anew(), moved(tape, WEEKS_NS))
    found += [_judge_move(name, whole[name], later[name]) for name in whole]
    found += _judge_memory(material, policy, anew, tape, whole)
    found += _judge_starts(material, policy, anew, tape, whole)
    return _worst_cut(found)


def _cut_points(whole: dict[str, list[Wished]], tape: Tape, count: int) -> list[int]:
    """Return closes at which something was wished, spread over the tape, else plain quarters."""
    closes = sorted({each.ns for wished in whole.values() for each in wished})
    closes = closes or sorted({ns for ns, order, _ in tape.told if order == 0})
    step = max(len(closes) // (count + 1), 1)
    return closes[step::step][:count]


def same(one: Wished, other: Wished, by_ns: int = 0, *, within: float = SAME_FRAC) -> bool:
    """Whether two wishes are one, up to a share of price, when the second lies `by_ns` later."""
    if (one.ns + by_ns, one.side) != (other.ns, other.side):
        return False
    prices = ((one.stop_price, *one.partials, one.target_price),
              (other.stop_price, *other.partials, other.target_price))  # fmt: skip
    near = [abs(a - b) <= within * abs(a) for a, b in zip(*prices, strict=False)]
    return len(prices[0]) == len(prices[1]) and all(near)


def _first_odd(one: list[Wished], other: list[Wished], by_ns: int = 0) -> int | None:
    """Return the instant from which two lists of wishes differ; None: they do not."""
    for a, b in zip(one, other, strict=False):
        if not same(a, b, by_ns):
            return min(a.ns, b.ns - by_ns)
    if len(one) != len(other):
        longer = one if len(one) > len(other) else other
        return longer[min(len(one), len(other))].ns
    return None


def _count(name: str, wished: list[Wished]) -> Finding:
    words = f"{len(wished)} wishes" if wished else "it wished nothing here: nothing is proven"
    return Finding(strategy=name, check="wishes", ok=True, words=words)


def _judge_cut(name: str, whole: list[Wished], again: list[Wished], end_ns: int) -> Finding:
    expected = [each for each in whole if each.ns <= end_ns]
    odd_ns = _first_odd(expected, again)
    words = f"the same {len(expected)} wishes when nothing came after them"
    if odd_ns is not None:
        words = (
            f"{utc_text(odd_ns)}: wished otherwise when the data end at {utc_text(end_ns)}: it, or "
        )
        words += "what it is told, knows what comes later"
    return Finding(strategy=name, check="look-ahead", ok=odd_ns is None, words=words)


def _worst_cut(found: list[Finding]) -> list[Finding]:
    """Keep one look-ahead finding a strategy: the first bad one, else the last."""
    kept: dict[tuple[str, str], Finding] = {}
    for each in found:
        before = kept.get((each.strategy, each.check))
        if before is None or before.ok:
            kept[each.strategy, each.check] = each
    return sorted(kept.values(), key=lambda each: each.strategy)


def _judge_move(name: str, whole: list[Wished], later: list[Wished]) -> Finding:
    odd_ns = _first_odd(whole, later, WEEKS_NS)
    words = "the same wishes two weeks later"
    if odd_ns is not None:
        words = (
            f"{utc_text(odd_ns)}: wished otherwise when all lies two weeks later: it knows dates"
        )
    return Finding(strategy=name, check="dates", ok=odd_ns is None, words=words)


def _judge_memory(
    material: Material, policy: Policy, anew: Anew, tape: Tape, whole: dict[str, list[Wished]]
) -> list[Finding]:
    """Let every strategy forget at a third of the data; after its warm-up it must wish the same."""
    forget_ns = tape.told[0][0] + (tape.told[-1][0] - tape.told[0][0]) // 3
    strategies = anew()
    again = wishes_of(material, policy, strategies, tape, forget_ns)
    found = []
    for strategy in strategies:
        name = strategy.name
        warm_ns = forget_ns + strategy.warmup_bars * material.bar_s * NS_PER_S
        late = [each for each in whole[name] if each.ns > warm_ns]
        odd_ns = _first_odd(late, [each for each in again[name] if each.ns > warm_ns])
        words = f"the same {len(late)} wishes {strategy.warmup_bars} bars after it forgot all"
        if odd_ns is not None:
            words = (
                f"{utc_text(odd_ns)}: wished otherwise after it forgot all: it remembers longer "
            )
            words += f"than its warm-up of {strategy.warmup_bars} bars"
        found.append(Finding(strategy=name, check="warm-up", ok=odd_ns is None, words=words))
    return found


def _judge_starts(
    material: Material, policy: Policy, anew: Anew, tape: Tape, whole: dict[str, list[Wished]]
) -> list[Finding]:
    """Begin at a third of the data; count what is wished alike in the last third."""
    first_ns, last_ns = tape.told[0][0], tape.told[-1][0]
    third = (last_ns - first_ns) // 3
    again = wishes_of(material, policy, anew(), begun(tape, first_ns + third))
    from_ns, days = first_ns + 2 * third, third / NS_PER_DAY
    found = []
    for name, wished in whole.items():
        late = [each for each in wished if each.ns > from_ns]
        later = [each for each in again[name] if each.ns > from_ns]
        alike = sum(any(same(each, o, within=ALIKE_FRAC) for o in later) for each in late)
        words = f"{alike} of {max(len(late), len(later))} wishes are alike when only {days:.1f} "
        words += "days of history are known"
        found.append(Finding(strategy=name, check="history", ok=True, words=words))
    return found
