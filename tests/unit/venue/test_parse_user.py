"""Messages of the private stream: every one becomes events, none is guessed."""

from decimal import Decimal

import pytest

from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderKind, OrderStatus, PositionSide
from bot.venue.binance.parse_user import Sides, news
from bot.venue.news import News

MS = 1_795_000_000_000


def fee_of(symbol: str, is_maker: bool) -> float | None:
    return {"BTC/USDT:USDT": 0.0002 if is_maker else 0.0005}.get(symbol)


def read(message: object, sides: Sides | None = None) -> News:
    return news(message, 7, fee_of, {} if sides is None else sides)


def order_message(**changes: object) -> dict[str, object]:
    body = {
        "s": "BTCUSDT", "c": "bw1", "S": "SELL", "o": "MARKET", "f": "GTC", "q": "0.100", "p": "0",
        "ap": "80000", "sp": "0", "x": "TRADE", "X": "FILLED", "i": 8886774, "l": "0.040",
        "z": "0.100", "L": "80010.5", "n": "1.6", "N": "USDT", "T": MS, "t": 42, "m": False,
        "R": True, "wt": "CONTRACT_PRICE", "ot": "MARKET", "ps": "BOTH", "cp": False, "rp": "-3.5",
        "somethingNew": [1, 2],
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": MS, "T": MS, "o": {**body, **changes}}


def fill_of(said: News) -> Fill:
    return next(event for event in said.events if isinstance(event, Fill))


def test_a_trade_is_a_fill_and_then_the_order_s_new_state() -> None:
    said = read(order_message())
    fill, update = said.events
    assert isinstance(fill, Fill)
    assert isinstance(update, OrderUpdate)
    assert (fill.qty, fill.price, fill.fee_usd, fill.realized_pnl_usd) == (
        Decimal("0.040"), Decimal("80010.5"), Decimal("1.6"), Decimal("-3.5"),
    )  # fmt: skip
    assert (fill.trade_id, fill.client_order_id, fill.is_maker) == ("42", "bw1", False)
    assert (update.order.status, update.order.filled_qty) == (OrderStatus.FILLED, Decimal("0.100"))
    assert said.client_order_id == "bw1"
    assert {event.received_ns for event in said.events} == {7}


def test_news_without_a_trade_is_no_fill() -> None:
    said = read(order_message(x="NEW", X="NEW", l="0", z="0", L="0", t=0))
    assert [type(event) for event in said.events] == [OrderUpdate]


@pytest.mark.parametrize(
    ("client_id", "execution", "liquidation", "adl"),
    [
        ("autoclose-1795000000000000001", "TRADE", True, False),
        ("adl_autoclose", "TRADE", False, True),
        ("settlement_autoclose-7", "TRADE", True, False),
        ("bw1", "CALCULATED", True, False),
        ("bw1", "TRADE", False, False),
    ],
)
def test_forced_fills_are_known_by_their_ids(
    client_id: str, execution: str, liquidation: bool, adl: bool
) -> None:
    fill = fill_of(read(order_message(c=client_id, x=execution, o="LIQUIDATION")))
    assert (fill.is_liquidation, fill.is_adl) == (liquidation, adl)


def test_calculated_fills_without_a_trade_number_keep_apart() -> None:
    first = fill_of(read(order_message(x="CALCULATED", t=0, z="0.04")))
    second = fill_of(read(order_message(x="CALCULATED", t=0, z="0.08")))
    assert first.trade_id != second.trade_id


def test_a_fee_in_another_coin_counts_at_the_undiscounted_rate() -> None:
    fill = fill_of(read(order_message(n="0.002", N="BNB", l="0.1", L="80000")))
    assert fill.fee_usd == Decimal("4.0")
    with pytest.raises(VenueDataInvalid, match="fee"):
        read(order_message(n="0.002", N="BNB", s="ETHUSDT"))


def test_no_fee_field_means_nothing_was_charged() -> None:
    message = order_message()
    body = message["o"]
    assert isinstance(body, dict)
    del body["n"], body["N"]
    assert fill_of(read(message)).fee_usd == 0


def algo_message(**changes: object) -> dict[str, object]:
    body = {
        "caid": "bw2", "aid": 21, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT",
        "S": "SELL", "ps": "BOTH", "f": "GTC", "q": "0.1", "X": "NEW", "ai": "", "ap": "0.00000",
        "aq": "0.00000", "act": "0", "tp": "70000", "p": "0", "wt": "MARK_PRICE", "cp": False,
        "pP": False, "R": True, "tt": 0, "gtd": 0, "rm": "",
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "E": MS, "T": MS, "o": {**body, **changes}}


def algo_state(**changes: object) -> OrderUpdate:
    (event,) = read(algo_message(**changes)).events
    assert isinstance(event, OrderUpdate)
    return event


def test_every_state_of_a_conditional_order_is_told() -> None:
    told = [algo_state(X=word).order.status for word in ("NEW", "TRIGGERING", "TRIGGERED")]
    assert told == [OrderStatus.WORKING, OrderStatus.TRIGGERING, OrderStatus.TRIGGERING]
    done = algo_state(X="FINISHED", aq="0.1", ap="69990").order
    assert (done.status, done.filled_qty, done.average_price) == (
        OrderStatus.FILLED, Decimal("0.1"), Decimal(69990),
    )  # fmt: skip
    assert done.kind is OrderKind.STOP_MARKET


def test_finished_without_a_fill_protected_nobody() -> None:
    order = algo_state(X="FINISHED").order
    assert order.status is OrderStatus.CANCELLED
    assert order.reason


def test_why_the_venue_rejected_is_kept() -> None:
    assert algo_state(X="REJECTED", rm="Reduce Only reject").order.reason == "Reduce Only reject"


def account_message(*rows: dict[str, object], m: str = "ORDER") -> dict[str, object]:
    balances = [
        {"a": "BNB", "wb": "1", "cw": "1", "bc": "0"},
        {"a": "USDT", "wb": "9998.5", "cw": "9998.5", "bc": "-1.5"},
    ]
    return {"e": "ACCOUNT_UPDATE", "E": MS, "T": MS, "a": {"m": m, "B": balances, "P": list(rows)}}


def leg_row(pa: str, ps: str = "BOTH", **changes: object) -> dict[str, object]:
    ep = "0" if Decimal(pa) == 0 else "80000"
    return {"s": "BTCUSDT", "pa": pa, "ep": ep, "mt": "isolated", "iw": "55.5", "ps": ps, **changes}


def legs(said: News) -> list[tuple[PositionSide, Decimal]]:
    return [
        (event.position.side, event.position.qty)
        for event in said.events
        if isinstance(event, PositionUpdate)
    ]


def test_wallet_and_legs_are_told_with_their_cause() -> None:
    said = read(account_message(leg_row("-0.25"), m="FUNDING_FEE"))
    (wallet,) = [event for event in said.events if isinstance(event, WalletUpdate)]
    assert (wallet.wallet_usd, wallet.change_usd, wallet.cause) == (
        Decimal("9998.5"), Decimal("-1.5"), "FUNDING_FEE",
    )  # fmt: skip
    (leg,) = [event.position for event in said.events if isinstance(event, PositionUpdate)]
    assert (leg.side, leg.qty, leg.isolated_margin_usd) == (
        PositionSide.SHORT, Decimal("0.25"), Decimal("55.5"),
    )  # fmt: skip


def test_a_one_way_position_that_ends_names_the_side_that_was_held() -> None:
    sides: Sides = {}
    assert legs(read(account_message(leg_row("0.25")), sides)) == [
        (PositionSide.LONG, Decimal("0.25"))
    ]
    assert legs(read(account_message(leg_row("0")), sides)) == [(PositionSide.LONG, Decimal(0))]
    flat_at_first = legs(read(account_message(leg_row("0")), sides))
    assert sorted(flat_at_first) == [(PositionSide.LONG, 0), (PositionSide.SHORT, 0)]


def test_a_flip_is_a_close_and_an_open() -> None:
    sides: Sides = {}
    read(account_message(leg_row("0.25")), sides)
    assert legs(read(account_message(leg_row("-0.1")), sides)) == [
        (PositionSide.LONG, Decimal(0)),
        (PositionSide.SHORT, Decimal("0.1")),
    ]


def test_hedge_mode_speaks_of_one_leg() -> None:
    said = read(account_message(leg_row("-0.1", ps="SHORT"), leg_row("0", ps="LONG")))
    assert legs(said) == [(PositionSide.SHORT, Decimal("0.1")), (PositionSide.LONG, Decimal(0))]


@pytest.mark.parametrize(
    "message",
    [
        order_message(s="BTCUSDC"),
        order_message(X="NEWER"),
        order_message(L="NaN"),
        order_message(L="-1"),
        order_message(q=None),
        {"e": "ORDER_TRADE_UPDATE", "T": MS},
        {"e": "ORDER_TRADE_UPDATE", "o": order_message()["o"]},
        algo_message(wt="MOON_PRICE"),
        account_message(leg_row("0.1", ep="0")),
        account_message(leg_row("0.1", ps="SHORT")),
        account_message(leg_row("0.1", mt="portfolio")),
        {"error": {"code": 2, "msg": "x"}},
        "text",
        [1],
        None,
    ],
)
def test_what_cannot_be_believed_is_refused(message: object) -> None:
    with pytest.raises(VenueDataInvalid):
        read(message)


def test_an_expired_key_ends_the_connection_and_a_margin_call_asks_for_a_reading() -> None:
    assert read({"e": "listenKeyExpired", "E": MS}).ended == "listenKeyExpired"
    assert read({"stream": "x", "data": {"e": "listenKeyExpired"}}).ended == "listenKeyExpired"
    assert "MARGIN_CALL" in read({"e": "MARGIN_CALL", "E": MS, "p": []}).reread
    assert "ACCOUNT_CONFIG_UPDATE" in read({"e": "ACCOUNT_CONFIG_UPDATE", "ac": {"l": 5}}).reread


@pytest.mark.parametrize("kind", ["TRADE_LITE", "STRATEGY_UPDATE", "KIND_OF_2027"])
def test_kinds_we_do_not_use_say_nothing(kind: str) -> None:
    assert read({"e": kind, "E": MS}) == News()
