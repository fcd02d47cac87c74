"""What a replay measures by itself: equity, drawdown, time without a stop, trades, costs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.domain.account import PositionState
from bot.domain.messages import Fill, WalletUpdate
from bot.domain.orders import OrderKind, OrderState, OrderStatus, PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.simulator.margin import Brackets


class EquityMeter:
    """Equity at every price point, its running peak, the deepest fall, and the margin used."""

    def __init__(self, wallet_usd: Decimal, brackets: Mapping[str, Brackets] | None = None) -> None:
        self.brackets = brackets or {}
        self.worst_margin_ratio = 0.0
        self.wallet_usd = float(wallet_usd)
        self.peak_usd = self.wallet_usd
        self.max_drawdown_frac = 0.0
        self.max_drawdown_ns = 0
        self.marks: dict[str, float] = {}
        self._legs: dict[tuple[str, PositionSide], tuple[float, float]] = {}
        self._margins: dict[tuple[str, PositionSide], float] = {}

    @property
    def holding(self) -> bool:
        """Whether any leg is open."""
        return bool(self._legs)

    def is_short(self, symbol: str) -> bool:
        """Whether what is held of a symbol gains as it falls."""
        sizes = [size for (name, _), (size, _) in self._legs.items() if name == symbol]
        return sum(sizes) < 0.0

    def on_position(self, position: PositionState) -> None:
        """Take a leg as the exchange has it now."""
        key = (position.symbol, position.side)
        if position.qty > ZERO:
            size = position.side.sign * float(position.qty)
            self._legs[key] = (size, float(position.entry_price))
            self._margins[key] = float(position.isolated_margin_usd or ZERO)
        else:
            self._legs.pop(key, None)

    def equity_usd(self) -> float:
        """Return wallet plus unrealised result at the newest marks."""
        equity = self.wallet_usd
        for (symbol, _), (size, entry) in self._legs.items():
            equity += size * (self.marks.get(symbol, entry) - entry)
        return equity

    def measure(self, now_ns: int) -> float:
        """Fold the equity of this instant into peak and drawdown, and return it in USD."""
        equity = self.equity_usd()
        if equity > self.peak_usd:
            self.peak_usd = equity
        elif self.peak_usd > 0.0:
            lost = 1.0 - equity / self.peak_usd
            if lost > self.max_drawdown_frac:
                self.max_drawdown_frac = lost
                self.max_drawdown_ns = now_ns
        if self._legs and self.brackets:
            self.worst_margin_ratio = max(self.worst_margin_ratio, self._margin_ratio(equity))
        return equity

    def _margin_ratio(self, equity_usd: float) -> float:
        """Return maintenance over equity: of the worst isolated leg, or of all cross legs."""
        worst = crossed = 0.0
        free_usd = equity_usd
        for key, (size, entry) in self._legs.items():
            mark = self.marks.get(key[0], entry)
            needed = self.brackets[key[0]].maintenance_near(abs(size) * mark)
            own = self._margins[key]
            if own <= 0.0:
                crossed += needed
                continue
            left = own + size * (mark - entry)
            free_usd -= left
            worst = max(worst, min(needed / left, 1.0) if left > 0.0 else 1.0)
        if crossed > 0.0:
            worst = max(worst, min(crossed / free_usd, 1.0) if free_usd > 0.0 else 1.0)
        return worst


def is_covered(position: PositionState, orders: Sequence[OrderState]) -> bool:
    """Whether working stops of the right side protect the whole of a leg.

    A stop of the right side sells a long or buys a short, can only reduce, and names the leg in
    hedge mode.
    """
    working = ZERO
    for order in orders:
        if order.symbol != position.symbol or order.side is not position.side.exit:
            continue
        if order.kind is not OrderKind.STOP_MARKET or order.status is not OrderStatus.WORKING:
            continue
        if order.position_side not in (None, position.side):
            continue
        if order.close_position:
            return True
        if order.reduce_only or position.hedged:
            working += order.remaining_qty
    return working >= position.qty


class CoverMeter:
    """The longest time a position lay without a full working stop, beyond the order latency."""

    def __init__(self, latency_ns: int) -> None:
        self._latency_ns = latency_ns
        self._since: dict[tuple[str, PositionSide], int] = {}
        self.longest_ns = 0
        self.total_ns = 0

    def look(
        self, now_ns: int, positions: Sequence[PositionState], orders: Sequence[OrderState]
    ) -> None:
        """Take the account as it is from `now_ns` on."""
        bare = {(p.symbol, p.side) for p in positions if p.qty > ZERO and not is_covered(p, orders)}
        for key in [k for k in self._since if k not in bare]:
            self._end(now_ns, self._since.pop(key))
        for key in bare:
            self._since.setdefault(key, now_ns)

    def close(self, now_ns: int) -> None:
        """End the count at the end of the replay."""
        for since in self._since.values():
            self._end(now_ns, since)
        self._since.clear()

    def _end(self, now_ns: int, since_ns: int) -> None:
        beyond = max(0, now_ns - since_ns - self._latency_ns)
        self.longest_ns = max(self.longest_ns, beyond)
        self.total_ns += beyond

    @property
    def longest_s(self) -> float:
        """The longest uncovered time beyond the latency, seconds."""
        return self.longest_ns / NS_PER_S


class Tally:
    """Fees, funding, liquidations and round trips, from the exchange's own events."""

    def __init__(self) -> None:
        self.fees_usd = ZERO
        self.funding_usd = ZERO
        self.trades = 0
        self.wins = 0
        self.liquidated: list[str] = []
        self._open: dict[tuple[str, PositionSide | None], tuple[Decimal, Decimal]] = {}

    def on_fill(self, fill: Fill) -> bool:
        """Count one execution; True when it is the first of a forced order.

        A round trip runs from flat to flat and is won when its result after fees and funding is
        above zero.
        """
        self.fees_usd += fill.fee_usd
        key = (fill.symbol, fill.position_side)
        held, result = self._open.get(key, (ZERO, ZERO))
        result += fill.realized_pnl_usd - fill.fee_usd
        after = held + fill.side.sign * fill.qty
        if held != ZERO and (after == ZERO or (after > ZERO) != (held > ZERO)):
            self.trades += 1
            self.wins += result > ZERO
            result = ZERO
        self._open[key] = (after, result)
        first = fill.is_liquidation and fill.venue_order_id not in self.liquidated
        if first:
            self.liquidated.append(fill.venue_order_id)
        return first

    def on_wallet(self, update: WalletUpdate, symbol: str = "") -> None:
        """Count funding (`change_usd` of a FUNDING_FEE), to the open round trip of its symbol."""
        if update.cause != "FUNDING_FEE" or update.change_usd is None:
            return
        self.funding_usd += update.change_usd
        held = [k for k, (qty, _) in self._open.items() if qty != ZERO and symbol in ("", k[0])]
        if len(held) == 1:
            qty, result = self._open[held[0]]
            self._open[held[0]] = (qty, result + update.change_usd)
