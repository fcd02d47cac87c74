"""What becomes of one request on its way: the faults in force decide, by their own dice."""

from typing import Final

import msgspec

from bot.domain.errors import OutcomeUnknown, VenueRefused, VenueThrottled, VenueUnreachable
from bot.domain.orders import ApprovedOrder, OrderKind
from bot.domain.units import NS_PER_S
from bot.lab.simulation.faults import Fault, instant_ns
from bot.lab.simulation.world import World

WRITES: Final = ("submit", "cancel", "add_margin", "set_leverage")
COVERAGE: Final = "-c"
"""Marks the ids of orders that coverage places by itself."""
QUICK_S: Final = 0.05
LATE_MAX_S: Final = 120.0
STOP_CODES: Final = ("-1013", "-4131", "-4164", "-2010", "-1111", "-4045", "-9999", "-1102")
"""Why a venue may refuse a stop; unknown numbers are among them."""
ORDER_CODES: Final = ("-2019", "-1013", "-4003", "-2027", "-4164", "-1008", "-7777")
WHY_NOT: Final = "the simulation says no"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the wire sees it."""

    method: str
    symbol: str = ""
    order: ApprovedOrder | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method in WRITES

    @property
    def is_rescue(self) -> bool:
        """Whether it is an order of coverage itself."""
        return self.order is not None and COVERAGE in self.order.client_order_id


class Fate(msgspec.Struct, kw_only=True):
    """What becomes of it. An `error` is what the daemon is told after `error_s`, None: silence."""

    there_s: float
    arrives: bool = True
    refusal: VenueRefused | None = None
    answers: bool = True
    error: Exception | None = None
    error_s: float = QUICK_S


def fate_of(world: World, call: Call) -> Fate:
    """Decide one request."""
    fate = Fate(there_s=world.delay_s())
    if not world.board.busy:
        return fate
    for judge in (_away, _refused_by_all, _lost, _late, _refused):
        if judge(world, call, fate):
            break
    return fate


def _silence(fate: Fate, error: Exception, *, arrives: bool, black_hole: bool) -> None:
    fate.arrives, fate.answers = arrives, False
    fate.error = None if black_hole else error


def _unsure(call: Call, text: str) -> Exception:
    return OutcomeUnknown(text) if call.writes else VenueUnreachable(text)


def _away(world: World, call: Call, fate: Fate) -> bool:
    """Nothing reaches the venue, or it answers nobody."""
    outage = world.board.on("outage")
    if outage is not None:
        world.board.count("outage")
        if outage.how == "503":
            _silence(fate, _unsure(call, "503 Unknown error"), arrives=False, black_hole=False)
        else:
            error = VenueUnreachable("no route")
            _silence(fate, error, arrives=False, black_hole=outage.how == "black_hole")
        return True
    ban = world.board.on("ban")
    if ban is not None:
        world.board.count("ban")
        left_s = (instant_ns(ban.at_s + ban.for_s) - world.now_ns) / NS_PER_S
        error_ = VenueThrottled("418 banned", retry_after_s=max(left_s, 0.1), banned=True)
        _silence(fate, error_, arrives=False, black_hole=False)
        return True
    return False


def _refused_by_all(world: World, call: Call, fate: Fate) -> bool:
    """The venue says no whatever is asked."""
    if world.board.on("key_invalid") is not None:
        world.board.count("key_invalid")
        fate.refusal = VenueRefused("Invalid API-key, IP, or permissions", code="-2015")
    elif call.symbol and world.board.on("bad_symbol", call.symbol) is not None:
        world.board.count("bad_symbol")
        fate.refusal = VenueRefused("Invalid symbol.", code="-1121")
    return fate.refusal is not None


def _lost(world: World, call: Call, fate: Fate) -> bool:
    """The request or its answer is lost, or it never left."""
    board = world.board
    if call.is_rescue and board.hit("mute_coverage"):
        _silence(fate, _unsure(call, "connection reset"), arrives=False, black_hole=False)
        return True
    if board.hit("no_route"):
        _silence(fate, VenueUnreachable("connection refused"), arrives=False, black_hole=False)
        return True
    if (busy := board.hit("busy")) is not None:
        error = VenueThrottled("429 too many requests", retry_after_s=busy.size)
        _silence(fate, error, arrives=False, black_hole=False)
        return True
    order = call.order
    if order is not None and order.kind.is_conditional and board.hit("lose_stops", order.symbol):
        _silence(fate, _unsure(call, "connection reset"), arrives=False, black_hole=False)
        return True
    if (lost := board.hit("lose_request", how=call.method)) is not None:
        hole = board.roll(lost) < 0.5
        _silence(fate, _unsure(call, "connection reset"), arrives=False, black_hole=hole)
        return True
    if (lost := board.hit("lose_answer", how=call.method)) is not None:
        hole = board.roll(lost) < 0.5
        _silence(fate, _unsure(call, "connection reset"), arrives=True, black_hole=hole)
        return True
    if board.hit("broken_adapter"):
        fate.arrives = call.writes
        fate.answers, fate.error = False, KeyError("orderId")
        return True
    return False


def _late(world: World, call: Call, fate: Fate) -> bool:
    """It takes its time; a late order is executed long after its sender gave up."""
    board = world.board
    if call.method == "submit" and (late := board.hit("late_accept")) is not None:
        fate.there_s += 1.0 + board.roll(late) * min(late.size, LATE_MAX_S)
        fate.answers, fate.error = False, OutcomeUnknown("-1007 timeout")
        world.mark("late_accept")
        return True
    if (slow := board.hit("slow")) is not None:
        fate.there_s += board.roll(slow) * slow.size
    return False


def _refused(world: World, call: Call, fate: Fate) -> bool:
    """The venue refuses this order, with one of many numbers."""
    order = call.order
    if order is None:
        return False
    board = world.board
    conditional = order.kind.is_conditional
    if conditional and board.on("api_moved") is not None:
        board.count("api_moved")
        fate.refusal = VenueRefused("use the algo endpoint", code="-4120")
        return True
    hit: Fault | None = None
    codes: tuple[str, ...] = ORDER_CODES
    if order.kind is OrderKind.STOP_MARKET:
        hit, codes = board.hit("refuse_stops", order.symbol), STOP_CODES
    if hit is None:
        hit = board.hit("refuse_orders", order.symbol)
    if hit is not None:
        code = codes[int(board.roll(hit) * len(codes))]
        fate.refusal = VenueRefused(WHY_NOT, code=code)
        return True
    return False
