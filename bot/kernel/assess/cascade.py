"""The life of a cascade: CALM, BUILDUP, ACTIVE, SUBSIDING, AFTERMATH, with hysteresis."""

from typing import Final

from bot.domain.units import NS_PER_H, NS_PER_MIN
from bot.kernel.assess.facts import Gathered
from bot.kernel.observe.totals import acceleration
from bot.kernel.sensed import CascadeMemory, Senses

CALM: Final = "CALM"
BUILDUP: Final = "BUILDUP"
ACTIVE: Final = "ACTIVE"
SUBSIDING: Final = "SUBSIDING"
AFTERMATH: Final = "AFTERMATH"
BURST_ACCELERATION: Final = 4.0
BURST_OF_OI: Final = 1e-3
BURST_OF_BASE: Final = 16.0
"""An ordinary day has hours of eight times the ordinary one."""
FROTH_ENTER: Final = 0.80
FROTH_LEAVE: Final = 0.70
POTENTIAL_ENTER: Final = 1.0
QUIET_FRAC: Final = 0.20
AGAIN_FRAC: Final = 0.50
QUIET_NS: Final = 15 * NS_PER_MIN
ALARM_NS: Final = 5 * NS_PER_MIN
SETTLED_ACCELERATION: Final = 2.0
SUBSIDING_MIN_NS: Final = NS_PER_H
AFTERMATH_NS: Final = 24 * NS_PER_H
SHOCK_ENTER_SD: Final = 1.5
SHOCK_QUIET_SD: Final = 0.5


class Rush:
    """How much is being forced just now; the unit of `flow` is that of its source."""

    __slots__ = ("burst", "flow", "settled", "words")

    def __init__(self, *, burst: bool, flow: float, settled: bool, words: str) -> None:
        self.burst = burst
        self.flow = flow
        self.settled = settled
        self.words = words


def rush_of(senses: Senses, gathered: Gathered, now_ns: int) -> Rush:
    """Return the rush by prints, else by a vendor's hours, else by price alone."""
    liq, oi_usd = gathered.liq, gathered.oi_usd
    if liq is None or liq.last_1h is None:
        return _rush_of_price(gathered)
    faster = acceleration(liq.last_1h, liq.long_24h + liq.short_24h) or 0.0
    base = gathered.facts.liq_base_usd
    heavy = (oi_usd is None or liq.last_1h >= BURST_OF_OI * oi_usd) and (
        base is None or 24.0 * liq.last_1h >= BURST_OF_BASE * base
    )
    burst = faster >= BURST_ACCELERATION and heavy
    words = f"last hour {liq.last_1h / 1e6:.1f}M USD, {faster:.1f}x the day's mean"
    if liq.last_5m is not None:
        alarm_ns = senses.liquidations.alarm_ns
        ringing = alarm_ns > 0 and now_ns - alarm_ns <= ALARM_NS
        running = liq.last_5m * 12.0 >= AGAIN_FRAC * liq.last_1h
        burst = (burst and running) or (ringing and heavy)
        flow = liq.last_5m
    else:
        flow = liq.last_1h
    return Rush(burst=burst, flow=flow, settled=faster < SETTLED_ACCELERATION, words=words)


def advance(
    memory: CascadeMemory, now_ns: int, rush: Rush, froth: float | None, potential: float | None
) -> str:
    """Fold one reading into the state machine and return its state.

    `potential` is what a fall would force over what the book can take (K), when it is trusted.
    """
    state = memory.state
    if rush.burst and state != ACTIVE:
        _enter(memory, ACTIVE, now_ns)
        memory.peak_usd = rush.flow
    elif state == ACTIVE:
        _while_active(memory, now_ns, rush)
    elif state == SUBSIDING:
        if rush.flow >= AGAIN_FRAC * memory.peak_usd > 0.0:
            _enter(memory, ACTIVE, now_ns)
        elif rush.settled and now_ns - memory.since_ns >= SUBSIDING_MIN_NS:
            _enter(memory, AFTERMATH, now_ns)
    elif state == AFTERMATH:
        if now_ns - memory.since_ns >= AFTERMATH_NS:
            _enter(memory, CALM, now_ns)
    else:
        _before(memory, now_ns, froth, potential)
    return memory.state


def _while_active(memory: CascadeMemory, now_ns: int, rush: Rush) -> None:
    memory.peak_usd = max(memory.peak_usd, rush.flow)
    if rush.flow >= QUIET_FRAC * memory.peak_usd:
        memory.quiet_ns = 0
    elif memory.quiet_ns == 0:
        memory.quiet_ns = now_ns
    elif now_ns - memory.quiet_ns >= QUIET_NS:
        _enter(memory, SUBSIDING, now_ns)


def _before(
    memory: CascadeMemory, now_ns: int, froth: float | None, potential: float | None
) -> None:
    loaded = potential is not None and potential > POTENTIAL_ENTER
    if memory.state == CALM and ((froth is not None and froth > FROTH_ENTER) or loaded):
        _enter(memory, BUILDUP, now_ns)
    elif memory.state == BUILDUP and (froth is None or froth < FROTH_LEAVE) and not loaded:
        _enter(memory, CALM, now_ns)


def _enter(memory: CascadeMemory, state: str, now_ns: int) -> None:
    memory.state, memory.since_ns, memory.quiet_ns = state, now_ns, 0


def _rush_of_price(gathered: Gathered) -> Rush:
    facts = gathered.facts
    if facts.drop_1h is None or facts.rise_1h is None or not facts.sd:
        return Rush(burst=False, flow=0.0, settled=True, words="no liquidation feed, no price")
    speed = max(facts.drop_1h, facts.rise_1h) / facts.sd
    return Rush(
        burst=speed >= SHOCK_ENTER_SD,
        flow=0.0 if speed < SHOCK_QUIET_SD else speed,
        settled=speed < SHOCK_QUIET_SD,
        words=f"by price alone: {speed:.1f} daily deviations within the hour",
    )
