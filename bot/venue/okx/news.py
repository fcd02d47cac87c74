"""Messages of OKX's private channels as domain events, every one of them, none collapsed.

A trigger's order has a number of its own and names the trigger: what it fills is told under the
trigger's client id, and as the trigger's own end.
"""

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from bot.domain.account import PositionState
from bot.domain.messages import Event, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState, PositionSide
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.news import News
from bot.venue.okx import parse
from bot.venue.okx.account import Sizes
from bot.venue.profiles import okx

CHANNELS: Final = {
    okx.PRIVATE_PATH: ("orders", "balance_and_position"),
    okx.BUSINESS_PATH: ("orders-algo",),
}
REMEMBERED: Final = 512


class OkxNews:
    """Reads the messages of one account, with the memory that needs."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._triggers: OrderedDict[str, OrderState] = OrderedDict()
        self._sides: dict[str, PositionSide] = {}
        self._wallet: Decimal | None = None

    def read(self, message: object, received_ns: int) -> list[News]:
        """Return what a message says.

        Raises:
            VenueDataInvalid: a message of a channel we use that cannot be believed.
        """
        source = fields.row(message, "private stream")
        if "event" in source:
            bad = source.get("event") == "error" or source.get("code") not in (None, "", "0")
            said = f"{source.get('code')} {str(source.get('msg'))[:120]}"
            return [News(ended=f"the venue refused: {said}")] if bad else []
        channel = fields.row(source.get("arg"), "private stream").get("channel")
        rows = [fields.row(item, "message") for item in fields.rows(source.get("data"), "message")]
        match channel:
            case "orders":
                return [self._order(row, received_ns) for row in rows if parse.is_ours(row)]
            case "orders-algo":
                return [self._algo(row, received_ns) for row in rows if parse.is_ours(row)]
            case "balance_and_position":
                return [self._money(row, received_ns) for row in rows]
            case _:
                return []

    def _algo(self, source: Row, received_ns: int) -> News:
        state = parse.algo(source, self._sizes.known)
        before = self._triggers.get(state.client_order_id)
        if before is not None and not before.status.is_live and state.status.is_live:
            return News(client_order_id=state.client_order_id)  # its order has ended already
        self._triggers[state.client_order_id] = state
        while len(self._triggers) > REMEMBERED:
            self._triggers.popitem(last=False)
        return News(
            events=(OrderUpdate(state.event_ns, received_ns, state),),
            client_order_id=state.client_order_id,
        )

    def _order(self, source: Row, received_ns: int) -> News:
        state = parse.order(source, self._sizes.known)
        fill = parse.told_fill(source, state, self._sizes.known, received_ns)
        told: list[Event] = [] if fill is None else [fill]
        name = str(source.get("algoClOrdId") or "")
        if not name:
            told.append(OrderUpdate(state.event_ns, received_ns, state))
            return News(events=tuple(told), client_order_id=state.client_order_id)
        trigger = self._triggers.get(state.client_order_id)
        if trigger is None:
            reread = "" if told else f"order of trigger {state.client_order_id}, never told"
            return News(events=tuple(told), reread=reread)
        whole = parse.with_child(trigger, state)
        self._triggers[state.client_order_id] = whole
        told.append(OrderUpdate(whole.event_ns, received_ns, whole))
        return News(events=tuple(told), client_order_id=state.client_order_id)

    def _money(self, source: Row, received_ns: int) -> News:
        what = "balance_and_position"
        at_ns = fields.instant_ns(source, "pTime", what)
        word = fields.text(source, "eventType", what)
        cause = okx.CAUSES.get(word, word)
        events: list[Event] = []
        for item in fields.rows(source.get("posData") or [], what):
            row = fields.row(item, what)
            if parse.is_ours(row):
                legs = self._legs(row)
                events += [PositionUpdate(at_ns, received_ns, leg, cause) for leg in legs]
        for item in fields.rows(source.get("balData") or [], what):
            row = fields.row(item, what)
            if row.get("ccy") == okx.SETTLE:
                wallet = fields.number(row, "cashBal", what)
                change = None if self._wallet is None else wallet - self._wallet
                self._wallet = wallet
                paid = change if cause == "FUNDING_FEE" else None
                events.append(WalletUpdate(at_ns, received_ns, wallet, paid, cause))
        if word == okx.SNAPSHOT:
            return News()  # the account is read anyway: this is what changes are counted from
        moved = word == okx.TRANSFERRED
        return News(events=tuple(events), reread="a transfer: read the ledger" if moved else "")

    def _legs(self, source: Row) -> list[PositionState]:
        """The legs a row speaks of: in one-way mode also the one that it silently replaces."""
        symbol = okx.unified(fields.text(source, "instId", "position"))
        held = parse.position(source, self._sizes.known)
        named = fields.choice(source, "posSide", okx.LEGS, "position")
        before = self._sides.get(symbol)
        if named is not None:
            return [held] if held is not None else [_flat(source, symbol, named, hedged=True)]
        if held is None:
            self._sides.pop(symbol, None)
            sides = (before,) if before is not None else tuple(PositionSide)
            return [_flat(source, symbol, side, hedged=False) for side in sides]
        self._sides[symbol] = held.side
        if before is not None and before is not held.side:
            return [_flat(source, symbol, before, hedged=False), held]
        return [held]


def _flat(source: Row, symbol: str, side: PositionSide, *, hedged: bool) -> PositionState:
    return PositionState(
        symbol=symbol,
        side=side,
        qty=ZERO,
        entry_price=ZERO,
        margin_mode=None,
        event_ns=fields.instant_ns(source, "uTime", "position"),
        hedged=hedged,
    )
