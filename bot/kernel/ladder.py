"""The ladder: what all rules ask of one side of one symbol, held and given back over time.

Down at once. Up only when every rule has asked for less for the cool-down, which doubles with each
cut of the day, and then by a share an hour (domain 9.5). Too many cuts in a day end the
strategies' trading until the operator resumes: a market that flaps is not traded.
"""

import math

import msgspec

from bot.domain.orders import OrderDraft, PositionSide
from bot.domain.risk import Demand, Refusal, RefusalReason, Severity
from bot.kernel import giving_back, hand
from bot.kernel.assess.cascade import ACTIVE, SUBSIDING
from bot.kernel.desk import Desk
from bot.kernel.giving_back import EXIT_ONLY_FACTOR
from bot.kernel.rules import RULES, is_silent, scopes_of
from bot.kernel.snapshot import BotState, Ladder, Leg, Market, Rung, leg_key
from bot.kernel.view import LegView

ASKED = tuple((rule.NAME, rule.SHARED, rule.demand) for rule in RULES)
"""The rules with what is asked of each at every step."""
NORMAL, CAUTION, REDUCE, EXIT_ONLY, FLAT = "NORMAL", "CAUTION", "REDUCE", "EXIT_ONLY", "FLAT"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a leg now: the share of its allowed size, and whether it may grow."""

    state: str
    factor: float
    blocked: bool
    worst: Demand | None
    """The demand that decides; None while none does."""
    demands: tuple[Demand, ...]
    withheld: tuple[Demand, ...]
    """What rules would do that may only tell it, by the mode of a position opened by hand."""


def judge(desk: Desk, view: LegView) -> Verdict:
    """Ask every rule that may act on a leg and move its ladder; a change enters the story."""
    ladder = ladder_of(desk.state, view)
    _begin_anew(ladder, view)
    demands, withheld = _ask(desk, view, ladder)
    if not demands and _is_calm(ladder):
        ladder.blocks = ladder.blocked = False
        return CALM
    worst = min(demands, key=_weight, default=None)
    wanted = worst.exposure_factor if worst is not None else 1.0
    before = ladder.factor
    _keep(ladder, view, wanted)
    if wanted < ladder.factor:
        _down(desk, ladder, wanted)
    elif wanted > ladder.factor:
        _up(desk, view, ladder, wanted)
    _note_block(desk, ladder, demands, down=wanted < before)
    name = _name(ladder, worst)
    if name != ladder.state or ladder.factor < before:
        _tell(desk, ladder, name, worst)
    ladder.state = name
    return Verdict(
        state=name,
        factor=ladder.factor,
        blocked=ladder.blocked,
        worst=worst,
        demands=tuple(demands),
        withheld=tuple(withheld),
    )


CALM = Verdict(
    state=NORMAL, factor=1.0, blocked=False, worst=None, demands=(), withheld=()
)  # fmt: skip
"""What holds while no rule asks for anything and none has lately."""


def _is_calm(ladder: Ladder) -> bool:
    """Whether a ladder of which nothing is asked stays where it is: at the top, past every dwell.

    What was asked for earlier is not looked at while all of the size is allowed.
    """
    return ladder.factor == 1.0 and ladder.state == NORMAL and not ladder.blocked_ns


def before_entry(desk: Desk, symbol: str, side: PositionSide) -> Verdict:
    """Judge a side of a symbol on which a strategy may open something."""
    view = LegView(desk.state, desk.policy, Leg(symbol=symbol, side=side), _market(desk, symbol))
    view.own = True
    return judge(desk, view)


def refusal(desk: Desk, draft: OrderDraft, *, own: bool) -> Refusal | None:
    """Return why the rules allow nothing to be added on a side of a symbol, or None."""
    symbol, side = draft.symbol, draft.position_side
    if not desk.policy.guard_on:
        return None
    shut = hand.refusal(desk.state, desk.policy, draft)
    if shut is not None:
        return shut
    leg = desk.state.legs.get(leg_key(symbol, side))
    if own or leg is None:
        verdict = before_entry(desk, symbol, side)
    else:
        verdict = judge(desk, LegView(desk.state, desk.policy, leg, _market(desk, symbol)))
    return spoken(verdict, symbol)


def spoken(verdict: Verdict, symbol: str) -> Refusal | None:
    """Return a verdict that forbids new risk as a refusal; None: it does not."""
    if not verdict.blocked:
        return None
    worst = verdict.worst
    if worst is None:
        detail = f"ladder {verdict.state}: cooling down"
        return Refusal(RefusalReason.RULE_FORBIDS, symbol, f"{verdict.factor:.2f}", "1.00", detail)
    measured, limit = shown(worst.measured), shown(worst.limit)
    detail = f"{worst.rule}: {worst.reason}"
    return Refusal(RefusalReason.RULE_FORBIDS, symbol, measured, limit, detail)


def shown(value: float) -> str:
    """Return a measured value or a limit as text; one that is not known says so."""
    return "unknown" if math.isnan(value) else f"{value:.4g}"


def ladder_of(state: BotState, view: LegView) -> Ladder:
    """Return the memory of a leg's ladder, made on first use."""
    leg = view.leg
    key = f"{leg_key(leg.symbol, leg.side)}|{'own' if view.own else 'hand'}"
    found = state.ladders.get(key)
    if found is None:
        found = state.ladders[key] = Ladder(symbol=leg.symbol, side=leg.side, own=view.own)
    return found


def _market(desk: Desk, symbol: str) -> Market:
    return desk.state.markets.get(symbol) or Market(symbol=symbol)


def _begin_anew(ladder: Ladder, view: LegView) -> None:
    """A new position of the hand starts without the last one's cuts; their count stays."""
    if ladder.own or ladder.opened_ns == view.leg.opened_ns:
        return
    ladder.opened_ns = view.leg.opened_ns
    ladder.factor = ladder.reached = 1.0
    ladder.asked, ladder.blocked_ns = [], 0
    ladder.falling = ladder.blocks = False
    ladder.rungs = {}


# ------------------------------------------------------------------ what the rules ask


def _weight(demand: Demand) -> tuple[float, bool, bool]:
    return demand.exposure_factor, not demand.blocks_entries, math.isnan(demand.measured)


def scopes(desk: Desk) -> tuple[str, ...]:
    """Return whom each rule cuts under the policy in force; read anew when thresholds change."""
    rules = desk.policy.rules
    if desk.ruled_by is not rules:
        desk.ruled_by, desk.scopes, desk.ruled = rules, scopes_of(rules), not is_silent(rules)
    return desk.scopes


def _ask(desk: Desk, view: LegView, ladder: Ladder) -> tuple[list[Demand], list[Demand]]:
    """Ask the rules that may act here; return their demands, and those that may only be told."""
    state, acts_on = desk.state, scopes(desk)
    demands: list[Demand] = []
    withheld: list[Demand] = []
    view.rungs, own = ladder.rungs, view.own
    spoke = desk.ruled or ladder.rungs or state.account_rungs
    for (name, is_shared, ask), scope in zip(ASKED, acts_on, strict=True) if spoke else ():
        if scope == "own" and not own:
            continue
        rungs = state.account_rungs if is_shared else ladder.rungs
        demand = ask(view) if scope != "off" else None
        if demand is None:
            rungs.pop(name, None)
            continue
        if hand.tells_only(state, view.policy, view.leg, name):
            withheld.append(demand)
            demand = msgspec.structs.replace(demand, exposure_factor=1.0)
        _remember(rungs, name, demand, state.now_ns)
        demands.append(demand)
    if state.flapping and view.own:
        most = float(view.policy.rules.ladder.cycles_max)
        count = most + 1.0
        demands.append(Demand("flapping", view.leg.symbol, 0.0, state.flapping, count, most))
    return demands, withheld


def _remember(rungs: dict[str, Rung], name: str, demand: Demand, now_ns: int) -> None:
    if demand.exposure_factor >= 1.0:
        rungs.pop(name, None)
        return
    rung = rungs.get(name)
    if rung is None or demand.exposure_factor < rung.factor:
        rungs[name] = Rung(demand.exposure_factor, now_ns)
    else:
        rung.factor = demand.exposure_factor


# ------------------------------------------------------------------ down and up


def _keep(ladder: Ladder, view: LegView, wanted: float) -> None:
    """Remember what was asked for and when: each cut is given back from its own last instant.

    So a worse past never leaves more than a better one. While orders are being forced nothing ages.
    """
    now_ns, found = view.state.now_ns, view.assessment
    asked = ladder.asked
    if ladder.factor < 1.0 and (not asked or (found and found.cascade in (ACTIVE, SUBSIDING))):
        giving_back.begin_again(asked, now_ns, ladder.factor)
    if wanted < 1.0:
        giving_back.remember(asked, now_ns, wanted)


def _down(desk: Desk, ladder: Ladder, wanted: float) -> None:
    """Take the lower factor at once; a cut after calm or recovery begins a cycle."""
    now_ns = desk.state.now_ns
    if not ladder.falling:
        ladder.cycles = [*giving_back.recent(ladder.cycles, now_ns), now_ns]
        most = desk.policy.rules.ladder.cycles_max
        if len(ladder.cycles) > most and not desk.state.flapping:
            _end_trading(desk, ladder)
    ladder.factor, ladder.falling = wanted, True


def _up(desk: Desk, view: LegView, ladder: Ladder, wanted: float) -> None:
    """Give back a share an hour of every cut whose cool-down has passed; the least one counts."""
    if view.assessment is None and ladder.own:
        return
    now_ns, cool_ns = desk.state.now_ns, cool_down_ns(desk, ladder)
    ramp_per_h = desk.policy.rules.ladder.ramp_per_h
    allowed = giving_back.allowed(ladder.asked, now_ns, wanted, cool_ns, ramp_per_h)
    if allowed <= ladder.factor:
        return
    ladder.factor = allowed
    ladder.reached = max(ladder.reached, ladder.factor)
    ladder.falling = False


def cool_down_ns(desk: Desk, ladder: Ladder) -> int:
    """Return how long all rules must ask for less before a cut is given back."""
    policy = desk.policy.rules.ladder
    cuts = len(giving_back.recent(ladder.cycles, desk.state.now_ns))
    return giving_back.cool_down_ns(
        cuts, policy.cool_down_h, policy.cool_down_max_h, policy.dwell_s
    )


def _note_block(desk: Desk, ladder: Ladder, demands: list[Demand], *, down: bool) -> None:
    """Set whether new risk is forbidden: by a rule, its dwell, or a cut that is not given back.

    What was only not known yet needs no dwell: it is judged as soon as it is known.
    """
    now_ns = desk.state.now_ns
    blocking = [demand for demand in demands if demand.blocks_entries]
    blocks = bool(blocking)
    if blocks and any(math.isfinite(demand.measured) for demand in blocking):
        ladder.blocked_ns = max(now_ns, 1)
    if down or ladder.factor >= 1.0:
        ladder.blocks = blocks
    reasons = (blocks, ladder.blocks and ladder.falling, ladder.factor <= EXIT_ONLY_FACTOR)
    dwell_s = desk.policy.rules.ladder.dwell_s
    ladder.blocked = giving_back.is_blocked(now_ns, ladder.blocked_ns, dwell_s, reasons)


def _name(ladder: Ladder, worst: Demand | None) -> str:
    """Return the state; what cannot be judged forbids new risk and is no state of its own."""
    if ladder.factor <= 0.0:
        return FLAT
    if ladder.factor <= EXIT_ONLY_FACTOR:
        return EXIT_ONLY
    if ladder.factor < 1.0:
        return REDUCE
    unjudged = worst is not None and not math.isfinite(worst.measured)
    if unjudged and ladder.state == NORMAL:
        return NORMAL
    return CAUTION if ladder.blocked else NORMAL


# ------------------------------------------------------------------ the story


def _tell(desk: Desk, ladder: Ladder, name: str, worst: Demand | None) -> None:
    whose = "strategies" if ladder.own else "by hand"
    why, measured, limit = "every rule has let go and its time has passed", "", ""
    if worst is not None:
        why = f"{worst.rule}: {worst.reason}"
        measured, limit = shown(worst.measured), shown(worst.limit)
    desk.record(
        "ladder",
        ladder.symbol,
        f"{ladder.side.value} ({whose}): {ladder.state} -> {name}, {ladder.factor:.0%} of its size",
        why,
        measured=measured,
        limit=limit,
    )


def _end_trading(desk: Desk, ladder: Ladder) -> None:
    count = len(ladder.cycles)
    desk.state.flapping = f"{ladder.symbol} was cut {count} times in a day"
    desk.record(
        "flapping", ladder.symbol, "the strategies' trading ends until `resume`",
        desk.state.flapping, measured=str(count),
        limit=str(desk.policy.rules.ladder.cycles_max),
    )  # fmt: skip
    desk.notify(
        Severity.CRITICAL, "flapping",
        f"{desk.state.flapping}. The strategies' positions are closed and nothing new is opened "
        "until `breakwater resume`.", ladder.symbol,
    )  # fmt: skip
