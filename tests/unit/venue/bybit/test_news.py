"""The private topics do not wait for each other: whatever their order, the same account."""

from decimal import Decimal
from itertools import permutations

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S
from bot.venue.bybit.news import BybitNews
from tests.unit.venue.bybit.rows import execution_row, leg_row, order_row, told, wallet_row

NOW = 1_795_000_001 * NS_PER_S


def reader(*, hedged: bool | None = False) -> BybitNews:
    news = BybitNews(lambda: hedged, lambda: MarginMode.CROSS)
    news.connected()
    return news


def heard(news: BybitNews, *messages: dict, at_ns: int = NOW) -> list[Event]:
    return [event for message in messages for event in news.read(message, at_ns).events]


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


FILLED = (
    told("order", order_row()),
    told("execution", execution_row()),
    told("position", leg_row()),
    told("wallet", wallet_row("9997.99998")),
)


@pytest.mark.parametrize("messages", list(permutations(FILLED)))
def test_a_fill_names_the_wallets_change_in_any_order(messages: tuple[dict, ...]) -> None:
    news = reader()
    events = heard(news, *messages)
    assert len(of(OrderUpdate, events)) == len(of(PositionUpdate, events)) == 1
    (fill,) = of(Fill, events)
    (wallet,) = of(WalletUpdate, events)
    assert (fill.qty, fill.fee_usd, fill.position_side) == (
        Decimal("0.05"), Decimal("2.00002"), None,
    )  # fmt: skip
    assert (wallet.wallet_usd, wallet.cause) == (Decimal("9997.99998"), "ORDER")
    assert news.unexplained(NOW + 60 * NS_PER_S) == ""


def test_funding_is_a_cause_of_its_own_even_beside_a_trade() -> None:
    news = reader()
    heard(news, *FILLED)
    paid = told("execution", execution_row(execType="Funding", execFee="0.4", execPnl="0"))
    (one,) = of(WalletUpdate, heard(news, paid, told("wallet", wallet_row("9997.59998"))))
    assert (one.cause, one.change_usd) == ("FUNDING_FEE", Decimal("-0.4"))
    sold = told("execution", execution_row(side="Sell", execPnl="10", execFee="2", closedSize="1"))
    both = of(WalletUpdate, heard(news, paid, sold, told("wallet", wallet_row("10005.19998"))))
    assert [(event.cause, event.wallet_usd) for event in both] == [
        ("FUNDING_FEE", Decimal("9997.19998")),
        ("ORDER", Decimal("10005.19998")),
    ]


def test_a_change_that_nothing_explains_has_the_account_read_and_is_not_guessed() -> None:
    news = reader()
    heard(news, *FILLED)
    assert heard(news, told("wallet", wallet_row("8997.99998"))) == []  # a withdrawal?
    assert news.unexplained(NOW + NS_PER_S // 2) == "", "executions may still come"
    assert "no execution says why" in news.unexplained(NOW + 2 * NS_PER_S)
    assert news.unexplained(NOW + 9 * NS_PER_S) == "", "said once"
    bought = told("execution", execution_row(execFee="1"))
    (after,) = of(WalletUpdate, heard(news, bought, told("wallet", wallet_row("8996.99998"))))
    assert after.cause == "ORDER"


def test_a_new_connection_explains_nothing_with_what_was_heard_before() -> None:
    news = reader()
    heard(news, told("execution", execution_row()))
    news.connected()
    assert heard(news, told("wallet", wallet_row("9000"))) == []
    assert news.unexplained(NOW + 2 * NS_PER_S)


@pytest.mark.parametrize(
    ("word", "liquidation", "adl"),
    [("Trade", False, False), ("BustTrade", True, False), ("AdlTrade", False, True)],
)
def test_what_the_venue_did_by_itself_is_told(word: str, liquidation: bool, adl: bool) -> None:
    row = execution_row(execType=word, orderLinkId="", closedSize="0.05", side="Sell")
    (fill,) = of(Fill, heard(reader(), told("execution", row)))
    assert (fill.is_liquidation, fill.is_adl) == (liquidation, adl)
    assert fill.client_order_id == row["orderId"], "never an empty name"


def test_a_leg_of_hedge_mode_comes_from_the_order_else_from_what_was_closed() -> None:
    short = order_row(positionIdx=2, side="Buy", reduceOnly=True)
    row = execution_row(closedSize="0.05")
    (by_order,) = of(Fill, heard(reader(hedged=None), told("order", short), told("execution", row)))
    (by_size,) = of(Fill, heard(reader(hedged=True), told("execution", row)))
    assert by_order.position_side is by_size.position_side is PositionSide.SHORT
    with pytest.raises(VenueDataInvalid, match="its leg is not known"):
        heard(reader(hedged=None), told("execution", row))


def test_a_turned_and_an_ended_position_are_told_as_the_legs_they_were() -> None:
    news = reader()
    heard(news, told("position", leg_row()))
    turned = of(PositionUpdate, heard(news, told("position", leg_row(side="Sell", size="0.02"))))
    assert [(event.position.side, event.position.qty) for event in turned] == [
        (PositionSide.LONG, 0),
        (PositionSide.SHORT, Decimal("0.02")),
    ]
    ended = of(PositionUpdate, heard(news, told("position", leg_row(side="", size="0"))))
    assert [(event.position.side, event.position.qty) for event in ended] == [
        (PositionSide.SHORT, 0)
    ]


def test_a_refused_sign_in_ends_the_connection_and_other_categories_say_nothing() -> None:
    news = reader()
    no = {"success": False, "ret_msg": "error:USVC1111", "op": "auth"}
    assert "refused auth" in news.read(no, NOW).ended
    assert news.read({"success": True, "op": "subscribe"}, NOW).ended == ""
    assert heard(news, told("order", order_row(category="spot", symbol="BTCUSDT"))) == []


def test_a_wallet_message_of_other_coins_says_nothing_of_ours() -> None:
    news = reader()
    other = wallet_row()
    other["coin"] = [{"coin": "MNT", "walletBalance": "3", "usdValue": "0.2"}]
    assert heard(news, told("wallet", other)) == []
    assert news.unexplained(NOW + 60 * NS_PER_S) == ""
