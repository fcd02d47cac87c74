"""Which rows one step leaves behind: the facts of its event and of its effects, in order."""

import msgspec
from sqlalchemy import Connection

from bot.domain.messages import (
    Answer,
    CancelFailed,
    CancelOrder,
    Command,
    CoverageReported,
    Effect,
    Event,
    Fill,
    IncomeBooked,
    MarginAdjusted,
    Notify,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    PositionUpdate,
    Record,
    RecordEquity,
    RecordMode,
    Started,
    SubmitOrder,
    WalletUpdate,
)
from bot.journal import orderlife, rows
from bot.journal.pages import Page

EVENTS_KEPT = (
    Started, OrderUpdate, Fill, PositionUpdate, WalletUpdate, IncomeBooked, OrderAccepted,
    OrderRefused, OrderOutcomeUnknown, OrderNotFound, CancelFailed, MarginAdjusted,
    CoverageReported, Command,
)  # fmt: skip
EFFECTS_KEPT = (SubmitOrder, CancelOrder, Record, RecordEquity, RecordMode, Notify, Answer)


class Facts(msgspec.Struct, frozen=True):
    """One step as the journal is told of it."""

    run_id: str
    seq: int
    event: Event
    effects: tuple[Effect, ...]

    @property
    def leaves_rows(self) -> bool:
        """Whether anything of this step is kept; market events are not."""
        return isinstance(self.event, EVENTS_KEPT) or any(
            isinstance(effect, EFFECTS_KEPT) for effect in self.effects
        )


def write(connection: Connection, facts: Facts, now_ns: int) -> None:
    """Write the rows of one step inside the open transaction; `now_ns` is when they are written."""
    page = Page(connection, facts.run_id, facts.seq)
    _write_event(page, facts.event)
    for effect in facts.effects:
        _write_effect(page, effect, facts.event, now_ns)


def _write_event(page: Page, event: Event) -> None:
    match event:
        case (
            OrderUpdate()
            | OrderAccepted()
            | OrderRefused()
            | OrderOutcomeUnknown()
            | OrderNotFound()
            | CancelFailed()
        ):
            _write_order_news(page, event)
        case Fill():
            page.fill(event)
        case PositionUpdate(position=position, cause=cause):
            page.insert("positions", rows.position_values(position, cause))
        case WalletUpdate():
            page.insert("wallets", rows.wallet_values(event))
        case IncomeBooked(rows=ledger):
            for entry in ledger:
                page.once("income", rows.income_values(entry), ("kind", "income_id", "symbol"))
        case MarginAdjusted():
            page.insert("notices", rows.margin_notice_values(event))
        case CoverageReported():
            page.coverage(event)
        case Command():
            page.once("commands", rows.command_values(event), ("command_id",))
        case Started():
            page.run(event)
        case _:
            pass  # market events, snapshots and timers live in the kernel's state, not here


OrderNews = (
    OrderUpdate | OrderAccepted | OrderRefused | OrderOutcomeUnknown | OrderNotFound | CancelFailed
)


def _write_order_news(page: Page, event: OrderNews) -> None:
    match event:
        case OrderUpdate(order=order):
            page.order_update(order)
        case OrderAccepted(client_order_id=key, venue_order_id=venue_id, event_ns=event_ns):
            page.note(key, event_ns, "ACCEPTED")
            page.change(key, lambda old: orderlife.accepted(old, venue_id, event_ns))
        case OrderRefused(client_order_id=key, code=code, reason=reason):
            page.note(key, event.event_ns, "REFUSED", code=code, reason=reason)
            page.change(key, lambda old: orderlife.refused(old, code, reason))
        case OrderOutcomeUnknown(client_order_id=key, reason=reason):
            page.note(key, event.event_ns, "UNKNOWN", reason=reason)
            page.change(key, lambda old: orderlife.in_doubt(old, reason))
        case OrderNotFound(client_order_id=key, received_ns=received_ns):
            page.note(key, event.event_ns, "NOT_FOUND")
            page.change(key, lambda old: orderlife.not_found(old, received_ns))
        case CancelFailed(client_order_id=key, code=code, reason=reason):
            page.note(key, event.event_ns, "CANCEL_FAILED", code=code, reason=reason)


def _write_effect(page: Page, effect: Effect, event: Event, now_ns: int) -> None:
    match effect:
        case SubmitOrder(order=order):
            page.intent(order, event.received_ns, now_ns)
        case CancelOrder():
            page.note(
                effect.client_order_id or effect.venue_order_id,
                event.received_ns,
                "CANCEL_SENT",
                reason=effect.reason,
            )
        case Record(decision=decision):
            page.once("decisions", rows.decision_values(decision), ("decision_id",))
        case RecordEquity():
            page.insert("equity", rows.equity_values(effect))
            page.anchors(effect)
        case RecordMode():
            page.insert("modes", rows.mode_values(effect))
        case Notify():
            page.insert("notices", rows.notice_values(effect))
        case Answer():
            page.insert("answers", rows.answer_values(effect, event.received_ns))
        case _:
            pass  # fetches and margin moves show by what they bring back
