"""The account as the protocol shows it: wallet, margins and legs of /fapi/v3."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from bot.domain.account import AccountState, MarginMode, PositionState
from bot.domain.instrument import Instrument
from bot.domain.units import ZERO
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import exact_text, money_text, ms

LEVERAGE_UNSET = 20


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract with its present mark price, all that margin arithmetic needs."""

    instrument: Instrument
    mark: Decimal


class LegReading(msgspec.Struct, frozen=True, kw_only=True):
    """One leg with its money at mark, in USD; `sign` is +1 long, -1 short."""

    leg: PositionState
    venue_id: str
    sign: int
    mark: Decimal
    notional_usd: Decimal
    unrealised_usd: Decimal
    initial_usd: Decimal
    maintenance_usd: Decimal
    isolated_wallet_usd: Decimal

    @property
    def is_isolated(self) -> bool:
        """Whether the leg's margin is walled off."""
        return self.leg.margin_mode is MarginMode.ISOLATED


class AccountReading(msgspec.Struct, frozen=True, kw_only=True):
    """The account with its totals in USD."""

    wallet_usd: Decimal
    legs: tuple[LegReading, ...]
    open_order_initial_usd: Decimal
    event_ns: int

    @property
    def unrealised_usd(self) -> Decimal:
        """Profit of all legs at mark."""
        return sum((leg.unrealised_usd for leg in self.legs), ZERO)

    @property
    def cross_unrealised_usd(self) -> Decimal:
        """Profit of the cross legs at mark."""
        return sum((leg.unrealised_usd for leg in self.legs if not leg.is_isolated), ZERO)

    @property
    def initial_usd(self) -> Decimal:
        """Initial margin of all legs."""
        return sum((leg.initial_usd for leg in self.legs), ZERO)

    @property
    def maintenance_usd(self) -> Decimal:
        """Maintenance margin of all legs."""
        return sum((leg.maintenance_usd for leg in self.legs), ZERO)

    @property
    def cross_wallet_usd(self) -> Decimal:
        """Wallet without what isolated legs hold."""
        return self.wallet_usd - sum((leg.isolated_wallet_usd for leg in self.legs), ZERO)

    @property
    def available_usd(self) -> Decimal:
        """What new orders may use."""
        cross_initial = sum((leg.initial_usd for leg in self.legs if not leg.is_isolated), ZERO)
        free = self.cross_wallet_usd + self.cross_unrealised_usd - cross_initial
        return max(free - self.open_order_initial_usd, ZERO)


def maintenance_usd(instrument: Instrument, notional_usd: Decimal) -> Decimal:
    """Return the maintenance margin of a position of `notional_usd`."""
    size = float(notional_usd)
    tier = next((t for t in instrument.tiers if size <= t.cap_usd), instrument.tiers[-1])
    amount = notional_usd * Decimal(repr(tier.maint_frac)) - Decimal(repr(tier.deduction_usd))
    return max(amount, ZERO)


def read_leg(leg: PositionState, contract: Contract, leverage: int) -> LegReading:
    """Return a leg with its money at mark."""
    sign = leg.side.sign
    notional = leg.qty * contract.mark
    unrealised = sign * (contract.mark - leg.entry_price) * leg.qty
    isolated = leg.isolated_margin_usd if leg.margin_mode is MarginMode.ISOLATED else None
    return LegReading(
        leg=leg,
        venue_id=contract.instrument.venue_id,
        sign=sign,
        mark=contract.mark,
        notional_usd=notional,
        unrealised_usd=unrealised,
        initial_usd=notional / (leg.leverage or leverage),
        maintenance_usd=maintenance_usd(contract.instrument, notional),
        isolated_wallet_usd=isolated or ZERO,
    )


def read_account(account: AccountState, contracts: Mapping[str, Contract]) -> AccountReading:
    """Return the account with every margin computed at mark."""
    legs = tuple(
        read_leg(leg, contracts[leg.symbol], account.leverages.get(leg.symbol, LEVERAGE_UNSET))
        for leg in account.positions
        if not leg.is_flat
    )
    held = ZERO
    for order in account.orders:
        if order.kind.is_conditional or order.reduce_only or order.price is None:
            continue
        leverage = account.leverages.get(order.symbol, LEVERAGE_UNSET)
        held += order.remaining_qty * order.price / leverage
    return AccountReading(
        wallet_usd=account.wallet_usd,
        legs=legs,
        open_order_initial_usd=held,
        event_ns=account.event_ns,
    )


def account_row(reading: AccountReading) -> Row:
    """Return the answer of GET /fapi/v3/account."""
    margin = reading.wallet_usd + reading.unrealised_usd
    initial = reading.initial_usd + reading.open_order_initial_usd
    shared: Row = {
        "availableBalance": money_text(reading.available_usd),
        "maxWithdrawAmount": money_text(reading.available_usd),
    }
    asset: Row = {
        "asset": "USDT",
        "walletBalance": money_text(reading.wallet_usd),
        "unrealizedProfit": money_text(reading.unrealised_usd),
        "marginBalance": money_text(margin),
        "maintMargin": money_text(reading.maintenance_usd),
        "initialMargin": money_text(initial),
        "positionInitialMargin": money_text(reading.initial_usd),
        "openOrderInitialMargin": money_text(reading.open_order_initial_usd),
        "crossWalletBalance": money_text(reading.cross_wallet_usd),
        "crossUnPnl": money_text(reading.cross_unrealised_usd),
        "updateTime": ms(reading.event_ns),
        **shared,
    }
    return {
        "totalInitialMargin": money_text(initial),
        "totalMaintMargin": money_text(reading.maintenance_usd),
        "totalWalletBalance": money_text(reading.wallet_usd),
        "totalUnrealizedProfit": money_text(reading.unrealised_usd),
        "totalMarginBalance": money_text(margin),
        "totalPositionInitialMargin": money_text(reading.initial_usd),
        "totalOpenOrderInitialMargin": money_text(reading.open_order_initial_usd),
        "totalCrossWalletBalance": money_text(reading.cross_wallet_usd),
        "totalCrossUnPnl": money_text(reading.cross_unrealised_usd),
        **shared,
        "assets": [asset],
        "positions": [_account_leg(leg) for leg in reading.legs],
    }


def balance_rows(reading: AccountReading) -> list[Row]:
    """Return the answer of GET /fapi/v3/balance."""
    return [
        {
            "accountAlias": "embedded",
            "asset": "USDT",
            "balance": money_text(reading.wallet_usd),
            "crossWalletBalance": money_text(reading.cross_wallet_usd),
            "crossUnPnl": money_text(reading.cross_unrealised_usd),
            "availableBalance": money_text(reading.available_usd),
            "maxWithdrawAmount": money_text(reading.available_usd),
            "marginAvailable": True,
            "updateTime": ms(reading.event_ns),
        }
    ]


def _leg_side(leg: PositionState) -> str:
    return leg.side.value if leg.hedged else "BOTH"


def _account_leg(reading: LegReading) -> Row:
    return {
        "symbol": reading.venue_id,
        "positionSide": _leg_side(reading.leg),
        "positionAmt": exact_text(reading.sign * reading.leg.qty),
        "unrealizedProfit": money_text(reading.unrealised_usd),
        "isolatedMargin": _isolated_margin(reading),
        "notional": money_text(reading.sign * reading.notional_usd),
        "isolatedWallet": money_text(reading.isolated_wallet_usd),
        "initialMargin": money_text(reading.initial_usd),
        "maintMargin": money_text(reading.maintenance_usd),
        "updateTime": ms(reading.leg.event_ns),
    }


def _isolated_margin(reading: LegReading) -> str:
    if not reading.is_isolated:
        return "0"
    return money_text(reading.isolated_wallet_usd + reading.unrealised_usd)


def position_row(reading: LegReading) -> Row:
    """Return a leg as GET /fapi/v3/positionRisk shows it: without leverage and margin type."""
    leg = reading.leg
    return {
        **_account_leg(reading),
        "entryPrice": exact_text(leg.entry_price),
        "breakEvenPrice": exact_text(leg.entry_price),
        "markPrice": exact_text(reading.mark),
        "unRealizedProfit": money_text(reading.unrealised_usd),
        "liquidationPrice": exact_text(leg.venue_liq_price or ZERO),
        "marginAsset": "USDT",
        "positionInitialMargin": money_text(reading.initial_usd),
        "openOrderInitialMargin": "0",
        "adl": adl_rank(reading),
        "bidNotional": "0",
        "askNotional": "0",
    }


def adl_rank(reading: LegReading) -> int:
    """Return the leg's place in the queue for auto-deleveraging, 0 last to 4 first.

    The venue ranks by profit and leverage among all accounts; alone here, a leg is ranked by
    its own return on margin.
    """
    if reading.leg.adl_rank is not None:
        return reading.leg.adl_rank
    if reading.initial_usd <= ZERO or reading.unrealised_usd <= ZERO:
        return 0
    return min(int(reading.unrealised_usd / reading.initial_usd * 4), 4)


def position_frame(reading: LegReading) -> Row:
    """Return a leg, flat or not, as ACCOUNT_UPDATE tells it."""
    leg = reading.leg
    return {
        "s": reading.venue_id,
        "pa": exact_text(reading.sign * leg.qty),
        "ep": exact_text(leg.entry_price),
        "bep": exact_text(leg.entry_price),
        "cr": "0",
        "up": money_text(reading.unrealised_usd),
        "mt": "isolated" if reading.is_isolated else "cross",
        "iw": money_text(reading.isolated_wallet_usd),
        "ps": _leg_side(leg),
        "ma": "USDT",
    }


def margin_call_leg(reading: LegReading) -> Row:
    """Return a leg as MARGIN_CALL tells it."""
    return {
        "s": reading.venue_id,
        "ps": _leg_side(reading.leg),
        "pa": exact_text(reading.sign * reading.leg.qty),
        "mt": "ISOLATED" if reading.is_isolated else "CROSSED",
        "iw": money_text(reading.isolated_wallet_usd),
        "mp": exact_text(reading.mark),
        "up": money_text(reading.unrealised_usd),
        "mm": money_text(reading.maintenance_usd),
    }
