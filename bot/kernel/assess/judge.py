"""The one entrance of judgement: senses in, assessment out; memory for hysteresis stays inside."""

import msgspec

from bot.domain.market import EventCalendar, EventWindow
from bot.domain.sense import Assessment as Assessment
from bot.domain.units import NS_PER_MIN
from bot.kernel.assess import cascade, flush, threat
from bot.kernel.assess.facts import GROUPS, Facts, Gathered, gather
from bot.kernel.assess.flush import Clues
from bot.kernel.assess.pulse import active_share, pulse, pulse_word
from bot.kernel.assess.severities import mirrored, severities
from bot.kernel.assess.stress import stress, stress_word
from bot.kernel.observe import baselines, liquidations, open_interest, readings, rings
from bot.kernel.observe.funding import SLOT_NS
from bot.kernel.sensed import SensePolicy, Senses, ThreatMemory

ASSESS_GAP_NS = NS_PER_MIN
DISLOCATED_FRAC = 0.01
DISLOCATED_NS = NS_PER_MIN // 2
NO_CLUES = Clues()
WINDOWS_MAX = 1_000
"""Announced events kept of one source."""


def due(senses: Senses, now_ns: int) -> bool:
    """Whether a minute has passed since the last judgement."""
    return now_ns - senses.assessed_ns >= ASSESS_GAP_NS


def assess(
    senses: Senses, now_ns: int, policy: SensePolicy, *, potential: float | None = None
) -> Assessment:
    """Judge the market as it stands; call at closes of bars, and when `due` in between.

    `potential` is the cluster map's K below price, given only while its score is trusted.
    """
    baselines.renew(senses, now_ns, policy)
    liquidations.roll(senses.liquidations, now_ns, policy)
    gathered = gather(senses, now_ns, policy)
    facts = gathered.facts
    flags = standing_flags(senses, now_ns)
    systemic = bool(flags)
    bad = severities(facts)
    bad_short = mirrored(bad, facts)
    value, value_short = stress(bad), stress(bad_short)
    floor, reasons = _floor(senses, gathered, now_ns)
    told = (gathered, now_ns, policy)
    level = max(_level(senses.fall, told, bad, value, 1, systemic=systemic), floor)
    level_short = _level(senses.rally, told, bad_short, value_short, -1, systemic=systemic)
    level_short = max(level_short, floor)
    rush = cascade.rush_of(senses, gathered, now_ns)
    state = cascade.advance(senses.cascade, now_ns, rush, senses.baselines.froth, potential)
    clues = _clues(senses, gathered, now_ns)
    lean = pulse(facts, active_share(facts), systemic=systemic)
    liq = gathered.liq
    senses.assessed_ns = now_ns
    return Assessment(
        symbol=senses.symbol,
        ns=now_ns,
        pulse=lean,
        pulse_word=pulse_word(lean),
        stress=value,
        stress_word=stress_word(value),
        threat=level,
        threat_word=threat.threat_word(level),
        stress_short=value_short,
        threat_short=level_short,
        severities=bad,
        severities_short=bad_short,
        facts=facts,
        degraded=_degraded(senses, gathered, now_ns),
        floor=floor,
        floor_reasons=reasons,
        systemic=flags,
        cascade=state,
        cascade_words=rush.words,
        flush=flush.judge(facts, clues),
        flush_short=flush.judge(facts, clues, -1),
        froth=senses.baselines.froth,
        liq_source=liq.source if liq is not None else "",
        liq_venues=liq.venues if liq is not None else (),
        liq_coverage=liq.coverage if liq is not None else 0.0,
        liq_long_24h_usd=liq.long_24h if liq is not None else None,
        liq_short_24h_usd=liq.short_24h if liq is not None else None,
        open_interest_qty=gathered.oi_qty,
        open_interest_known_qty=gathered.oi_known_qty or gathered.oi_qty,
        funding_8h_frac=gathered.funding_8h,
        open_interest_venues=tuple(v.venue for v in gathered.oi_venues),
    )


# ------------------------------------------------------------------ flags and floors


def raise_flag(senses: Senses, name: str, until_ns: int = 0) -> None:
    """Raise a systemic flag: Threat 5 until an instant, or until taken back (0)."""
    senses.flags[name] = until_ns


def take_back_flag(senses: Senses, name: str) -> None:
    """Take a systemic flag back."""
    senses.flags.pop(name, None)


def on_calendar(senses: Senses, event: EventCalendar) -> None:
    """Take the announced events of one source in place of those it told before."""
    ours = tuple(w for w in event.windows if w.symbol in ("", senses.symbol) and _is_window(w))
    if ours:
        senses.windows[event.source] = ours[:WINDOWS_MAX]
    else:
        senses.windows.pop(event.source, None)


def _is_window(window: EventWindow) -> bool:
    return window.start_ns < window.end_ns and 1 <= window.floor <= threat.SEVERE


def open_windows(senses: Senses, now_ns: int) -> list[tuple[str, EventWindow]]:
    """Return (source, window) of the announced events under way."""
    return [
        (source, window)
        for source in sorted(senses.windows)
        for window in senses.windows[source]
        if window.start_ns <= now_ns < window.end_ns
    ]


def on_mark(senses: Senses, ns: int, mark: float, index: float | None) -> None:
    """Notice when mark and index stand apart by more than 1 %."""
    if index is None or not (mark > 0.0 and index > 0.0):
        return
    if abs(mark / index - 1.0) <= DISLOCATED_FRAC:
        senses.dislocated_ns = 0
    elif senses.dislocated_ns == 0:
        senses.dislocated_ns = ns


def standing_flags(senses: Senses, now_ns: int) -> tuple[str, ...]:
    """Return the systemic flags that stand, by name."""
    names = []
    if senses.flags:
        names = [n for n, end_ns in sorted(senses.flags.items()) if not end_ns or end_ns > now_ns]
    if senses.dislocated_ns and now_ns - senses.dislocated_ns >= DISLOCATED_NS:
        names.append("mark and index apart")
    return tuple(names)


def _floor(senses: Senses, gathered: Gathered, now_ns: int) -> tuple[int, tuple[str, ...]]:
    reasons = [f"{name} went missing" for name in gathered.stale]
    event = 1
    for source, window in open_windows(senses, now_ns) if senses.windows else ():
        event = max(event, window.floor)
        reasons.append(f"announced event: {window.title} ({source})")
    if not gathered.price_live:
        reasons.append("no live price")
    floor = threat.floor_of(price_live=gathered.price_live, stale=gathered.stale, event_floor=event)
    return floor, tuple(reasons)


def _level(
    memory: ThreatMemory,
    told: tuple[Gathered, int, SensePolicy],
    known: dict[str, float],
    value: float,
    side: int,
    *,
    systemic: bool,
) -> int:
    gathered, now_ns, policy = told
    return threat.advance(
        memory,
        now_ns,
        policy,
        stress=value,
        held_stress=_held(gathered, known, value, side),
        is_moving=threat.moving(gathered.facts, side, policy),
        systemic=systemic,
    )


def _held(gathered: Gathered, known: dict[str, float], value: float, side: int) -> float:
    """Return Stress as if lost inputs still stood, fading: their loss lets no Threat down."""
    if not gathered.lost:
        return value
    values: dict[str, float | None] = {}
    for name, numbers in gathered.lost.items():
        values.update(zip(GROUPS[name], numbers, strict=True))
    last = severities(msgspec.convert(values, Facts), side)
    return stress({**{n: v * _weight(gathered, n) for n, v in last.items()}, **known})


def _weight(gathered: Gathered, severity: str) -> float:
    return gathered.lost_weight.get(severity.removesuffix("_froth"), 0.0)


def _clues(senses: Senses, gathered: Gathered, now_ns: int) -> Clues:
    facts = gathered.facts
    if not flush.has_moved(facts, 1) and not flush.has_moved(facts, -1):
        return NO_CLUES  # no verdict will ask for one
    hour = open_interest.log_change(gathered.oi_venues, gathered.oi_known_qty, now_ns, 3_600)
    slots, sd = senses.funding.slots, senses.baselines.funding_sd
    now = rings.get(slots, slots.newest)
    before = rings.last_known(slots, now_ns // SLOT_NS - 3, 1)
    moved = None
    if now is not None and before is not None and sd is not None:
        moved = (now - before) / sd
    return Clues(
        oi_1h_change=hour,
        funding_move_sd=moved,
        spot_cvd_usd=readings.fresh(senses.readings, readings.SPOT_CVD, now_ns),
        netflow_z=readings.netflow_z(senses.readings, now_ns),
    )


WORDS_OF = {
    "liq": "liquidations", "oi": "open interest", "fund": "funding", "fg": "fear and greed",
    "skew": "option skew", "etf": "fund flows", "corr": "equities",
}  # fmt: skip


def _degraded(senses: Senses, gathered: Gathered, now_ns: int) -> tuple[str, ...]:
    lines = []
    for name in gathered.stale:
        age_h = (now_ns - senses.carried[name].ns) / 3.6e12
        lines.append(f"{WORDS_OF[name]}: missing for {age_h:.1f} h, last value carried")
    lines += [f"{WORDS_OF[name]}: not available" for name in gathered.absent]
    if not gathered.price_live:
        lines.append("price: no bar closed lately")
    if gathered.base_is_prior:
        lines.append("liquidations: an ordinary day is assumed from open interest")
    liq = gathered.liq
    if liq is not None and liq.missing_venues:
        lines.append(f"liquidations: without {', '.join(liq.missing_venues)}")
    return tuple(lines)
