"""Messages of Bybit's private topics as domain events, every one of them, none collapsed.

The topics do not wait for each other, and the wallet's messages do not say why it changed. So a
change of the wallet is named by the executions that explain it to the cent; one that none explains
means that the account must be read and the ledger asked, because it may be a transfer.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from bot.domain.account import MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Event, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.venue import fields
from bot.venue.bybit import parse
from bot.venue.fields import Row
from bot.venue.news import News
from bot.venue.profiles import bybit

TOPICS: Final = ("order", "execution", "position", "wallet")
SAME_USD: Final = Decimal("0.01")
PATIENCE_NS: Final = NS_PER_S
"""How long executions may come after the wallet that they changed."""
LEGS_KEPT: Final = 2_000


class BybitNews:
    """Reads one connection's messages, with the memory that needs."""

    def __init__(
        self, hedged: Callable[[], bool | None], mode: Callable[[], MarginMode | None]
    ) -> None:
        self._hedged = hedged
        self._mode = mode
        self._legs: dict[str, PositionSide | None] = {}
        self._seen_hedged: bool | None = None
        self._sides: dict[str, PositionSide] = {}
        self._wallet: Decimal | None = None
        self._traded = self._funding = ZERO
        self._waiting: WalletUpdate | None = None

    def connected(self) -> None:
        """Begin a connection: what was heard before explains nothing any more."""
        self._wallet, self._waiting = None, None
        self._traded = self._funding = ZERO

    def read(self, message: object, received_ns: int) -> News:
        """Return what a message says; answers to our own words say nothing when they are a yes.

        Raises:
            VenueDataInvalid: a message of a topic we use that cannot be believed.
        """
        source = fields.row(message, "private stream")
        topic = str(source.get("topic") or "").partition(".")[0]
        if not topic:
            if source.get("success") is False:
                said = str(source.get("ret_msg"))[:120]
                return News(ended=f"the venue refused {source.get('op')}: {said}")
            return News()
        rows = [fields.row(item, topic) for item in fields.rows(source.get("data"), topic)]
        rows = [row for row in rows if row.get("category", "linear") == bybit.CATEGORY]
        match topic:
            case "order":
                return self._orders(rows, received_ns)
            case "execution":
                return self._executions(rows, received_ns)
            case "position":
                events = [event for row in rows for event in self._position(row, received_ns)]
                return News(events=tuple(events))
            case "wallet":
                at_ns = fields.instant_ns(source, "creationTime", topic)
                return self._wallets(rows, at_ns, received_ns)
            case _:
                return News()

    def unexplained(self, now_ns: int) -> str:
        """Return why the account must be read: a wallet that no execution explained in time."""
        waiting = self._waiting
        if waiting is None or now_ns - waiting.received_ns < PATIENCE_NS:
            return ""
        self._wallet, self._waiting = waiting.wallet_usd, None
        self._traded = self._funding = ZERO
        return "the wallet changed and no execution says why"

    def _orders(self, rows: list[Row], received_ns: int) -> News:
        events: list[Event] = []
        name = ""
        for row in rows:
            state = parse.order(row)
            self._legs[state.venue_order_id] = state.position_side
            self._seen_hedged = state.position_side is not None
            events.append(OrderUpdate(state.event_ns, received_ns, state))
            name = state.client_order_id
        while len(self._legs) > LEGS_KEPT:
            del self._legs[next(iter(self._legs))]
        return News(events=tuple(events), client_order_id=name)

    # ------------------------------------------------------------------ executions and money

    def _executions(self, rows: list[Row], received_ns: int) -> News:
        events: list[Event] = []
        for row in rows:
            word = fields.text(row, "execType", "execution").upper()
            fee = fields.number(row, "execFee", "execution")
            if word == "FUNDING":
                self._funding -= fee
                continue
            if word not in bybit.TRADE_TYPES:
                continue
            result = fields.number(row, "execPnl", "execution") if row.get("execPnl") else ZERO
            self._traded += result - fee
            events.append(parse.fill(row, self._leg(row), result, received_ns))
        return News(events=(*events, *self._settle()))

    def _leg(self, row: Row) -> PositionSide | None:
        """Return the leg of an execution: its order's, else by whether it closed something."""
        number = fields.text(row, "orderId", "execution")
        if number in self._legs:
            return self._legs[number]
        hedged = self._hedged() if self._seen_hedged is None else self._seen_hedged
        if hedged is False:
            return None
        closing = parse.closes(row)
        if hedged is None or closing is None:
            raise VenueDataInvalid("execution of an unknown order: its leg is not known")
        side = fields.choice(row, "side", bybit.SIDES, "execution")
        return parse.leg_of(side, closing=closing)

    def _wallets(self, rows: list[Row], at_ns: int, received_ns: int) -> News:
        for row in rows:
            wallet = parse.wallet_usd(row)
            if wallet is None:  # of other coins: it says nothing of ours
                continue
            self._waiting = WalletUpdate(at_ns, received_ns, wallet, None, "")
        return News(events=tuple(self._settle()))

    def _settle(self) -> list[Event]:
        """Return the wallet's events when executions explain it; else it waits."""
        waiting = self._waiting
        if waiting is None:
            return []
        if self._wallet is None:
            if self._traded == self._funding == ZERO:
                return []
            self._wallet = waiting.wallet_usd - self._traded - self._funding
        change = waiting.wallet_usd - self._wallet
        if abs(change - self._traded - self._funding) > SAME_USD:
            return []
        events: list[Event] = []
        before, at_ns, received_ns = self._wallet, waiting.event_ns, waiting.received_ns
        if self._funding != ZERO:
            paid = self._funding
            events.append(WalletUpdate(at_ns, received_ns, before + paid, paid, "FUNDING_FEE"))
        if self._traded != ZERO or not events:
            cause = "ORDER" if self._traded != ZERO else ""
            events.append(WalletUpdate(at_ns, received_ns, waiting.wallet_usd, None, cause))
        self._wallet, self._waiting = waiting.wallet_usd, None
        self._traded = self._funding = ZERO
        return events

    # ------------------------------------------------------------------ legs

    def _position(self, row: Row, received_ns: int) -> list[PositionUpdate]:
        """Return the legs a row speaks of: in one-way mode also the one it silently replaces."""
        held = parse.position(row, self._mode())
        if held is None:
            symbol = bybit.unified(fields.text(row, "symbol", "position"))
            known = self._sides.pop(symbol, None)
            ended = [
                (side, hedged, at_ns)
                for _, side, hedged, at_ns in parse.flat_legs(row)
                if hedged or known in (None, side)
            ]
            return [
                PositionUpdate(at_ns, received_ns, self._flat(symbol, side, at_ns, hedged=hedged))
                for side, hedged, at_ns in ended
            ]
        told = [PositionUpdate(held.event_ns, received_ns, held)]
        if held.hedged:
            return told
        before = self._sides.get(held.symbol)
        self._sides[held.symbol] = held.side
        if before in (None, held.side) or before is None:
            return told
        gone = self._flat(held.symbol, before, held.event_ns, hedged=False)
        return [PositionUpdate(held.event_ns, received_ns, gone), *told]

    def _flat(self, symbol: str, side: PositionSide, at_ns: int, *, hedged: bool) -> PositionState:
        return PositionState(
            symbol=symbol,
            side=side,
            qty=ZERO,
            entry_price=ZERO,
            margin_mode=self._mode(),
            event_ns=at_ns,
            hedged=hedged,
        )
