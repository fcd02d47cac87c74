"""Doctor says what the bot would do first, and sends nothing."""

from decimal import Decimal

from bot.app.trying.first_moves import moves
from bot.domain.account import AccountState, MarginMode
from bot.domain.market import Candle
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_H
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS, policy, position


def account(*positions) -> AccountState:
    return AccountState(
        wallet_usd=Decimal(10_000), positions=positions, orders=(), event_ns=START_NS,
        hedge_mode=False, margin_modes={BTC: MarginMode.CROSS}, leverages={BTC: 5},
    )  # fmt: skip


def bars(close: float) -> list[Candle]:
    return [
        Candle(BTC, START_NS - n * NS_PER_H, START_NS, 3_600, close, close * 1.004, close * 0.996,
               close, 10.0, True)
        for n in range(720, 0, -1)
    ]  # fmt: skip


def test_a_bare_and_oversized_long_gets_its_stop_before_its_cut() -> None:
    large = position(PositionSide.LONG, "0.600", "76000", ns=START_NS)
    told = moves(policy(), [CONTRACT], account(large), bars(76_000.0), START_NS)
    assert told[0].startswith("STOP SELL 0.600 BTC at ")
    assert any(line.startswith("CUT SELL ") for line in told[1:])


def test_a_flat_account_needs_nothing() -> None:
    assert moves(policy(), [CONTRACT], account(), bars(76_000.0), START_NS) == []


def test_a_position_without_any_price_is_not_cut() -> None:
    small = position(PositionSide.LONG, "0.010", "76000", ns=START_NS)
    told = moves(policy(), [CONTRACT], account(small), [], START_NS)
    assert not [line for line in told if line.startswith("CUT")]
