"""What a reading of the account makes of belief: adopted, missed, asked for, explained."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import IncomeRow, PositionState
from bot.domain.messages import FetchAccount, FetchOrder, IncomeBooked, Notify, Record
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import guard, reconcile, settle
from bot.kernel.plan import CancelWish
from bot.kernel.snapshot import Leg, OrderBelief, leg_key
from tests.fakes.kernel_world import BTC, position, snapshot
from tests.unit.kernel.rules.rule_kit import Kit

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
NAME = "bwkit-3-1"
OVER = (OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.LOST, OrderStatus.CANCELLED)


def read(
    kit: Kit,
    *positions: PositionState,
    orders: tuple[OrderState, ...] = (),
    usd: str = "10000",
    ns: int = 0,
) -> list[Leg]:
    """Let the kernel read the account now, or as it was at `ns`."""
    event = snapshot(usd, positions, orders, ns or kit.state.now_ns)
    return reconcile.on_snapshot(kit.desk, event)


def resting(name: str = NAME, ns: int = 1, **changes: object) -> OrderState:
    order = OrderState(
        client_order_id=name, venue_order_id="v1", symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=Decimal("0.1"),
        filled_qty=ZERO, reduce_only=True, close_position=False, event_ns=ns,
        trigger_price=Decimal(75_000), trigger_by=TriggerBy.MARK,
    )  # fmt: skip
    return msgspec.structs.replace(order, **changes)


def believed(kit: Kit, status: OrderStatus, name: str = NAME, **changes: object) -> OrderBelief:
    belief = OrderBelief(
        client_order_id=name, symbol=BTC, side=OrderSide.SELL, position_side=LONG,
        kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP, status=status, qty=Decimal("0.1"),
        reduce_only=True,
    )  # fmt: skip
    for key, value in changes.items():
        setattr(belief, key, value)
    kit.state.orders[name] = belief
    return belief


def told(kit: Kit) -> list[tuple[str, str, str, str, str]]:
    """Kind, symbol, what, why and order of each line that was written."""
    lines = [effect.decision for effect in kit.desk.effects if isinstance(effect, Record)]
    return [(d.kind, d.symbol, d.what, d.why, d.client_order_id) for d in lines]


def notices(kit: Kit) -> list[Notify]:
    return [effect for effect in kit.desk.effects if isinstance(effect, Notify)]


def asked(kit: Kit) -> list[FetchOrder]:
    return [effect for effect in kit.desk.effects if isinstance(effect, FetchOrder)]


# ------------------------------------------------------------------ positions


@pytest.mark.parametrize("known", [True, False])
def test_a_quantity_nobody_brought_about_is_adopted_and_told(known: bool) -> None:
    kit = Kit(own=False)
    if not known:
        kit.state.legs.clear()
    kit.state.now_ns += 60 * NS_PER_S
    ns = kit.state.now_ns
    (leg,) = read(kit, position(LONG, "0.3", "76500", ns=ns))
    assert (leg.qty, leg.user_qty, leg.foreign) == (Decimal("0.3"), Decimal("0.3"), True)
    assert leg.adopted_ns == ns
    before = "0.1" if known else "0"
    what = f"LONG 0.3 at 76500 is at the venue (we knew {before})"
    assert told(kit) == [("adopt", BTC, what, "the venue is the authority on positions", "")]
    (notice,) = notices(kit)
    assert (notice.severity, notice.kind, notice.symbol) == (Severity.WARNING, "adopt", BTC)
    assert notice.text == (
        f"{BTC}: found LONG 0.3 that this bot did not open in this run. "
        "It is protected from now on."
    )


@pytest.mark.parametrize(
    ("first", "fill_ago_s", "adopts"),
    [(True, 0.5, True), (False, 2.9, False), (False, 3.0, True), (False, 60.0, True)],
)
def test_a_change_is_ours_only_shortly_after_a_fill_and_never_at_the_first_look(
    first: bool, fill_ago_s: float, adopts: bool
) -> None:
    kit = Kit(own=False)
    kit.state.now_ns += 600 * NS_PER_S
    ns = kit.state.now_ns
    kit.leg.fill_ns = ns - int(fill_ago_s * NS_PER_S)
    kit.state.reconciled_ns = 0 if first else ns - NS_PER_S
    assert read(kit, position(LONG, "0.3", "76500", ns=ns)) == [kit.leg]
    assert bool(notices(kit)) is adopts
    assert (kit.leg.adopted_ns == ns) is adopts


@pytest.mark.parametrize("agrees", [True, False])
def test_a_trade_whose_plan_fits_the_venues_quantity_is_not_made_the_users(agrees: bool) -> None:
    kit = Kit()
    kit.leg.qty, kit.leg.user_qty = Decimal("0.05"), Decimal("0.02")
    kit.state.now_ns += 60 * NS_PER_S
    qty = "0.1" if agrees else "0.2"
    read(kit, position(LONG, qty, "76000", ns=kit.state.now_ns))
    assert not kit.leg.foreign
    assert kit.leg.user_qty == Decimal("0.02")
    assert (kit.leg.adopted_ns == 0) is agrees


def test_every_position_of_a_reading_is_looked_at() -> None:
    kit = Kit(own=False)
    kit.state.now_ns += 60 * NS_PER_S
    ns = kit.state.now_ns
    unchanged = position(LONG, "0.1", "76000", ns=ns)
    nothing = msgspec.structs.replace(unchanged, symbol="NONE", qty=ZERO)
    other = msgspec.structs.replace(unchanged, symbol="OTHER", qty=Decimal(2))
    assert [leg.symbol for leg in read(kit, nothing, unchanged, other)] == ["OTHER"]
    assert leg_key("NONE", LONG) not in kit.state.legs


def test_a_leg_that_two_readings_lack_is_gone_and_the_first_asks_again() -> None:
    kit = Kit()
    kit.state.now_ns += NS_PER_S
    assert read(kit) == []
    reasons = [effect.reason for effect in kit.desk.effects if isinstance(effect, FetchAccount)]
    assert reasons == [f"{BTC} LONG is absent from the account"]
    assert kit.leg.qty == Decimal("0.1")
    kit.desk.effects = []
    kit.state.now_ns += NS_PER_S
    assert read(kit) == [kit.leg]
    assert kit.leg.qty == ZERO
    assert kit.leg.position_ns == kit.leg.absent_ns == kit.state.now_ns
    why = "two account readings without it; closed by hand, by the venue, or unseen by us"
    assert told(kit) == [("closed outside", BTC, "LONG 0.1 is no longer at the venue", why, "")]


@pytest.mark.parametrize("word", ["fill_ns", "position_ns"])
@pytest.mark.parametrize(("later_ns", "counts"), [(0, False), (1, True)])
def test_only_a_reading_newer_than_every_word_of_a_leg_can_lack_it(
    word: str, later_ns: int, counts: bool
) -> None:
    kit = Kit()
    ns = kit.state.now_ns
    setattr(kit.leg, word, ns)
    read(kit, ns=ns + later_ns)
    assert kit.leg.missing_reads == int(counts)


@pytest.mark.parametrize(("later_ns", "believed_again"), [(0, False), (1, True)])
def test_a_hidden_leg_is_believed_again_by_a_newer_reading_alone(
    later_ns: int, believed_again: bool
) -> None:
    kit = Kit(own=False)
    ns = kit.state.now_ns
    held = position(LONG, "0.1", "76000", ns=ns - 5)
    kit.leg.qty, kit.leg.absent_ns, kit.leg.position_ns = ZERO, ns, ns
    read(kit, held, ns=ns + later_ns)
    assert (kit.leg.qty > ZERO) is believed_again


def test_a_position_of_the_instant_of_its_last_fill_is_no_older_than_it() -> None:
    kit = Kit(own=False)
    ns = kit.state.now_ns
    kit.leg.qty, kit.leg.absent_ns, kit.leg.fill_ns = ZERO, ns, ns - 5
    kit.leg.position_ns = ns
    read(kit, position(LONG, "0.1", "76000", ns=ns - 5), ns=ns + 1)
    assert kit.leg.qty == Decimal("0.1")


@pytest.mark.parametrize(
    ("word", "later_ns", "swept"),
    [("known_ns", 1, True), ("known_ns", 0, False), ("fill_ns", 1, True), ("fill_ns", 0, False)],
)
def test_the_venues_own_word_that_a_leg_is_flat_ends_the_waiting_for_more_readings(
    word: str, later_ns: int, swept: bool
) -> None:
    """What guarded a leg that two readings lacked goes when a late message says the same."""
    kit = Kit()
    believed(kit, OrderStatus.WORKING)
    read(kit)
    kit.state.now_ns += NS_PER_S
    assert settle.on_flat(kit.desk, read(kit)[0]) == []
    setattr(kit.leg, word, kit.state.now_ns - 5)
    flat = position(LONG, "0", "0", ns=kit.state.now_ns - 5 + later_ns)
    assert [type(wish) for wish in settle.on_told_flat(kit.desk, flat)] == [CancelWish] * swept
    assert bool(kit.leg.absent_ns) is not swept
    if swept:
        assert kit.leg.position_ns == flat.event_ns, "a later position is believed again"


def test_a_word_of_a_held_position_ends_no_waiting() -> None:
    kit = Kit()
    believed(kit, OrderStatus.WORKING)
    read(kit)
    kit.state.now_ns += NS_PER_S
    settle.on_flat(kit.desk, read(kit)[0])
    held = position(LONG, "0.1", "76000", ns=kit.state.now_ns - 5)
    assert settle.on_told_flat(kit.desk, held) == []
    assert settle.on_told_flat(kit.desk, position(SHORT, "0", "0", ns=kit.state.now_ns)) == []


# ------------------------------------------------------------------ orders


def test_an_order_of_ours_from_before_is_adopted_and_asked_for() -> None:
    kit = Kit()
    read(kit, orders=(resting("hand-1"), resting(), resting("web_2")))
    assert set(kit.state.orders) == {NAME}, "those of others are let be"
    assert kit.state.orders[NAME] == OrderBelief(
        client_order_id=NAME, symbol=BTC, side=OrderSide.SELL, position_side=LONG,
        kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP, status=OrderStatus.WORKING,
        qty=Decimal("0.1"), trigger_price=Decimal(75_000), trigger_by=TriggerBy.MARK,
        reduce_only=True, sent_ns=kit.state.now_ns,
    )  # fmt: skip
    what, why = (
        "order STOP_MARKET SELL 0.1 is ours from before",
        "open at the venue with our prefix",
    )
    assert ("adopt", BTC, what, why, NAME) in told(kit)
    assert asked(kit) == [FetchOrder(BTC, NAME, conditional=True)]


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({}, True),
        ({"sent_ns": 3}, False),
        ({"event_ns": 3}, False),
        ({"asked_ns": 3}, False),
        ({"purpose": None}, False),
        ({"status": OrderStatus.CANCELLED}, False),
        ({"status": OrderStatus.UNKNOWN}, True),
    ],
)
def test_which_orders_a_reading_lacks_are_asked_for(change: dict[str, object], asks: bool) -> None:
    """Ours, live, and neither sent, told of nor asked for within the last three seconds."""
    kit = Kit()
    kit.state.now_ns += 60 * NS_PER_S
    ns = kit.state.now_ns
    fields = {k: ns - 3 * NS_PER_S if k.endswith("_ns") else v for k, v in change.items()}
    belief = believed(kit, OrderStatus.WORKING)
    for key, value in fields.items():
        setattr(belief, key, value)
    read(kit)
    assert asked(kit) == ([FetchOrder(BTC, NAME, conditional=True)] if asks else [])
    if asks:
        assert belief.asked_ns == ns
        kit.desk.effects = []
        read(kit)
        assert asked(kit) == [], "and not again at once"


@pytest.mark.parametrize("word", ["sent_ns", "event_ns", "asked_ns"])
def test_three_seconds_later_it_is_asked_for(word: str) -> None:
    kit = Kit()
    kit.state.now_ns += 60 * NS_PER_S
    belief = believed(kit, OrderStatus.WORKING)
    setattr(belief, word, kit.state.now_ns - 3 * NS_PER_S - 1)
    read(kit)
    assert len(asked(kit)) == 1


def test_an_order_that_is_shown_is_asked_for_never() -> None:
    kit = Kit()
    kit.state.now_ns += 60 * NS_PER_S
    believed(kit, OrderStatus.WORKING)
    believed(kit, OrderStatus.WORKING, "bwkit-3-2")
    read(kit, orders=(resting(),))
    assert [question.client_order_id for question in asked(kit)] == ["bwkit-3-2"]


@pytest.mark.parametrize("status", OVER)
@pytest.mark.parametrize("later_ns", [0, 1])
def test_an_end_is_left_by_a_newer_reading_that_shows_the_order_open(
    status: OrderStatus, later_ns: int
) -> None:
    kit = Kit()
    ns = kit.state.now_ns
    belief = believed(kit, status, event_ns=ns, misses=2)
    read(kit, orders=(resting(ns=ns - 50),), ns=ns + later_ns)
    doubtful = status is OrderStatus.LOST
    assert belief.status is (OrderStatus.WORKING if later_ns or doubtful else status)
    assert belief.misses == 0
    assert belief.event_ns == ns + later_ns


@pytest.mark.parametrize("status", OVER)
def test_an_end_that_is_shown_is_not_left(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, status, event_ns=5)
    read(kit, orders=(resting(ns=6, status=OrderStatus.CANCELLED),))
    assert belief.status in (status, OrderStatus.CANCELLED)
    assert not belief.status.is_live


@pytest.mark.parametrize(("age_ns", "taken"), [(-1, False), (0, True), (1, True)])
def test_a_reading_older_than_the_last_word_on_an_order_says_nothing_of_it(
    age_ns: int, taken: bool
) -> None:
    kit = Kit()
    belief = believed(kit, OrderStatus.WORKING, event_ns=1_000)
    read(kit, orders=(resting(ns=1_000 + age_ns, status=OrderStatus.TRIGGERING),))
    assert belief.status is (OrderStatus.TRIGGERING if taken else OrderStatus.WORKING)
    assert belief.event_ns == max(1_000, 1_000 + age_ns)


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.LOST])
def test_what_is_in_doubt_believes_every_reading(status: OrderStatus) -> None:
    kit = Kit()
    belief = believed(kit, status, event_ns=1_000)
    read(kit, orders=(resting(ns=1, filled_qty=Decimal("0.04")),), ns=900)
    assert (belief.status, belief.venue_order_id) == (OrderStatus.WORKING, "v1")
    assert belief.remaining_qty == Decimal("0.06")


# ------------------------------------------------------------------ wallet


@pytest.mark.parametrize("first", [True, False])
def test_a_jump_of_the_wallet_that_only_a_reading_shows_is_told_and_waits(first: bool) -> None:
    kit = Kit()
    kit.state.now_ns += 60 * NS_PER_S
    kit.state.reconciled_ns = 0 if first else 1
    read(kit, position(LONG, "0.1", "76000", ns=kit.state.now_ns), usd="8000")
    state = kit.state
    assert (state.wallet_usd, state.unexplained_usd) == (Decimal(8_000), -2_000.0)
    assert state.unexplained_ns == state.now_ns
    assert state.anchors.high_water_usd == 10_000.0, "the peak stays meanwhile"
    when = "while this bot was away" if first else "by an account reading"
    why = "no fill, fee, funding or transfer explains it yet: reducing only until one does"
    assert told(kit) == [("wallet", "", f"wallet changed by -2000.00 USD {when}", why, "")]
    (notice,) = notices(kit)
    assert (notice.severity, notice.kind) == (Severity.WARNING, "wallet")
    assert notice.text == (
        "The wallet changed by -2000.00 USD and nothing explains it yet. No new risk "
        "until the venue's ledger does."
    )


def test_further_jumps_add_up_and_are_told_once() -> None:
    kit = Kit()
    for usd in ("8000", "7500", "9000"):
        kit.state.now_ns += NS_PER_S
        read(kit, position(LONG, "0.1", "76000", ns=kit.state.now_ns), usd=usd)
    assert kit.state.unexplained_usd == -1_000.0
    assert len(notices(kit)) == 1
    assert kit.state.unexplained_ns == kit.state.now_ns - 2 * NS_PER_S


def test_cents_are_no_jump() -> None:
    kit = Kit()
    kit.state.now_ns += NS_PER_S
    small = guard.JUMP_FRAC * 10_000.0 * 0.99
    held = position(LONG, "0.1", "76000", ns=kit.state.now_ns)
    read(kit, held, usd=f"{10_000 - small:.4f}")
    assert (kit.state.unexplained_usd, kit.state.unexplained_ns) == (0.0, 0)
    assert told(kit) == []


def test_cents_beside_a_rest_that_still_waits_begin_no_new_wait() -> None:
    kit = Kit()
    since_ns = kit.state.now_ns
    kit.state.unexplained_usd, kit.state.unexplained_ns = -1.0, since_ns
    kit.state.now_ns += NS_PER_S
    read(kit, position(LONG, "0.1", "76000", ns=kit.state.now_ns), usd="9999")
    assert (kit.state.unexplained_usd, kit.state.unexplained_ns) == (-2.0, since_ns)
    assert told(kit) == []


@pytest.mark.parametrize("peak_usd", [0.0, 0.5])
def test_the_first_wallet_of_a_life_without_memory_is_no_jump(peak_usd: float) -> None:
    kit = Kit()
    kit.state.anchors.high_water_usd = peak_usd
    kit.state.now_ns += NS_PER_S
    read(kit, position(LONG, "0.1", "76000", ns=kit.state.now_ns), usd="8000")
    assert bool(notices(kit)) is (peak_usd > 0.0)
    assert kit.state.wallet_usd == Decimal(8_000)


@pytest.mark.parametrize(("older_ns", "taken"), [(1, False), (0, True)])
def test_an_older_reading_does_not_turn_the_wallet_back(older_ns: int, taken: bool) -> None:
    kit = Kit()
    ns = kit.state.wallet_ns
    read(kit, position(LONG, "0.1", "76000", ns=ns), usd="8000", ns=ns - older_ns)
    assert (kit.state.wallet_usd == Decimal(8_000)) is taken
    assert kit.state.wallet_ns == ns


def jump(kit: Kit, ago_s: float) -> None:
    kit.state.unexplained_usd = -2_000.0
    kit.state.unexplained_ns = kit.state.now_ns - int(ago_s * NS_PER_S)


@pytest.mark.parametrize(("ago_s", "over"), [(5.0, False), (9.0, False), (9.1, True)])
def test_a_jump_that_nothing_explains_in_time_counts_as_result(ago_s: float, over: bool) -> None:
    kit = Kit()
    jump(kit, ago_s)
    reconcile.accept_unexplained(kit.desk, 9 * NS_PER_S, "nothing came")
    if over:
        assert (kit.state.unexplained_usd, kit.state.unexplained_ns) == (0.0, 0)
        what = "-2000.00 USD of wallet change count as result"
        assert told(kit) == [("wallet", "", what, "nothing came", "")]
    else:
        assert kit.state.unexplained_usd == -2_000.0
        assert kit.desk.effects == []


def test_without_a_jump_there_is_nothing_to_accept() -> None:
    kit = Kit()
    reconcile.accept_unexplained(kit.desk, 0, "nothing came")
    assert kit.desk.effects == []


def row(kind: str, number: str, usd: str, ns: int) -> IncomeRow:
    return IncomeRow(
        kind=kind, income_id=number, symbol="", asset="USDT", amount=Decimal(usd), event_ns=ns,
        info="",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["TRANSFER", "DEPOSIT", "WITHDRAW", "FUNDING_FEE"])
def test_the_ledger_explains_transfers_each_by_its_number_once(kind: str) -> None:
    kit = Kit()
    ns = kit.state.now_ns
    jump(kit, 1.0)
    kit.leg.qty = ZERO
    kit.state.wallet_usd, kit.state.wallet_ns = Decimal(8_000), ns
    rows = (row(kind, "1", "-1000", ns), row(kind, "2", "-1000", ns), row(kind, "2", "-1000", ns))
    reconcile.on_income(kit.desk, IncomeBooked(ns, ns, rows))
    transfer = kind != "FUNDING_FEE"
    assert kit.state.unexplained_usd == (0.0 if transfer else -2_000.0)
    assert set(kit.state.transfers) == (
        {f"ledger|{kind}|1", f"ledger|{kind}|2"} if transfer else set()
    )


@pytest.mark.parametrize(("ago_s", "over"), [(30.0, False), (30.1, True)])
def test_a_ledger_without_it_is_the_last_word_on_a_jump(ago_s: float, over: bool) -> None:
    kit = Kit()
    jump(kit, ago_s)
    ns = kit.state.now_ns
    reconcile.on_income(kit.desk, IncomeBooked(ns, ns, ()))
    assert (kit.state.unexplained_ns == 0) is over
    why = "the venue's ledger shows no transfer for it"
    assert [line[3] for line in told(kit)] == ([why] if over else [])
