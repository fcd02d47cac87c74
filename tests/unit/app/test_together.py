"""What one account shows the others: numbers it would act on itself, or none."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from bot.app.accounts.seen import MARK_AGE_NS
from bot.app.accounts.together import Together
from bot.app.config.account_tables import AccountsTable
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S
from bot.kernel.houses import together
from tests.fakes.kernel_world import BTC, World, position


class Instant:
    """A clock that stands at the world's time."""

    def __init__(self, world: World) -> None:
        self.world = world

    def now_ns(self) -> int:
        return self.world.now_ns


@pytest.fixture
def world() -> World:
    made = World()
    made.warm()
    made.account("10000", [position(PositionSide.LONG, "0.05", "76000", ns=made.now_ns)])
    made.later(5.0)
    made.mark(76_000.0)
    return made


def shown(world: World, tmp_path, **table: object) -> Together:
    parts = SimpleNamespace(
        kernel=world.kernel, health={"ready": True, "blind": ""}, doors=(), run_id="run",
        ask=lambda _name, _args: {},
    )  # fmt: skip
    whole = Together(
        AccountsTable(**table), Instant(world), tmp_path / "joint.json", {"main": "binance"}
    )
    whole.join("main", "binance", parts)
    return whole


def test_what_is_settled_and_marked_is_counted(world: World, tmp_path) -> None:
    whole = shown(world, tmp_path)
    joint = together(whole.seen())
    assert joint.unseen == ()
    assert joint.equity_usd == pytest.approx(10_000.0)
    (held,) = whole.seen()[0].holdings
    assert (held.asset, held.notional_usd) == ("BTC", pytest.approx(3_800.0))


def test_a_loss_told_by_the_wallet_first_is_no_number_yet(world: World, tmp_path) -> None:
    """The wallet has lost what the position still shows: counted twice it would latch everybody."""
    state = world.kernel.state
    state.traded_wallet_ns = state.wallet_ns = state.fill_ns + NS_PER_S
    state.traded_wallet_seen_ns = state.now_ns
    state.wallet_usd -= Decimal(500)
    joint = together(shown(world, tmp_path).seen())
    assert (joint.equity_usd, joint.unseen) == (None, ("main",))


def test_an_old_mark_is_no_price(world: World, tmp_path) -> None:
    whole = shown(world, tmp_path)
    world.kernel.state.markets[BTC].mark_received_ns -= MARK_AGE_NS + NS_PER_S
    assert together(whole.seen()).equity_usd is None


def test_an_account_that_never_lived_is_not_seen(world: World, tmp_path) -> None:
    expected = {"main": "binance", "hedge": "bybit"}
    whole = Together(AccountsTable(), Instant(world), tmp_path / "joint.json", expected)
    assert together(whole.seen()).unseen == ("main", "hedge")
    assert together(whole.seen()).at_least_usd is None
