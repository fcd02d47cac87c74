"""Each kind of trouble the venue can make, seen from ccxt's side and from behind."""

import asyncio
import time

import aiohttp
import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigInvalid
from bot.domain.orders import OrderSide, OrderStatus
from bot.simulator.faults import FaultBoard, FaultKind, FaultRule, decode_rules
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, embedded_venue
from tests.venue.embedded.client import client, soon, until

ORDER, ALGO = "/fapi/v1/order", "/fapi/v1/algoOrder"
STOP = {"stopLossPrice": 78_000, "reduceOnly": True, "workingType": "MARK_PRICE"}


def held(venue: EmbeddedVenue) -> str:
    positions = venue.exchange.account(venue.account_id).positions
    return str(positions[0].qty) if positions else "0"


async def test_a_lost_request_is_never_executed() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("lose_request", method="POST", path=ORDER, times=1)
        with pytest.raises(ccxt.NetworkError):
            await ex.create_order(BTC, "market", "buy", 0.05)
        assert held(venue) == "0"
        await ex.create_order(BTC, "market", "buy", 0.05)
        assert held(venue) == "0.05"


async def test_a_lost_acknowledgement_leaves_an_executed_order() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("lose_ack", method="POST", path=ORDER, times=1)
        with pytest.raises(ccxt.NetworkError):
            await ex.create_order(BTC, "market", "buy", 0.05, None, {"clientOrderId": "bw-1"})
        assert held(venue) == "0.05"
        found = await ex.fetch_order("", BTC, {"origClientOrderId": "bw-1"})
        assert found["status"] == "closed"


async def test_a_late_order_is_executed_after_its_sender_gave_up() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("late_accept", method="POST", path=ORDER, times=1, delay_s=0.2)
        with pytest.raises(ccxt.NetworkError):
            await ex.create_order(BTC, "market", "buy", 0.05, None, {"clientOrderId": "bw-late"})
        with pytest.raises(ccxt.OrderNotFound):
            await ex.fetch_order("", BTC, {"origClientOrderId": "bw-late"})
        await until(lambda: held(venue) == "0.05")


async def test_a_delayed_request_meets_the_later_price() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("delay", method="POST", path=ORDER, times=1, delay_s=0.3)
        order = asyncio.ensure_future(ex.create_order(BTC, "market", "buy", 0.05))
        await until(lambda: len(venue.requests("/order", "POST")) == 1)
        venue.move(BTC, 81_000.0)
        assert (await soon(order))["average"] > 80_999


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, -1008, ccxt.OperationFailed),
        (408, -1007, ccxt.RequestTimeout),
        (400, -1111, ccxt.BadRequest),
        (429, -1003, ccxt.DDoSProtection),
    ],
)
async def test_any_refusal_can_be_put_in_its_place(
    status: int, code: int, kind: type[Exception]
) -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("reject", path=ORDER, times=1, http_status=status, code=code, message="no")
        with pytest.raises(ccxt.BaseError) as caught:
            await ex.create_order(BTC, "market", "buy", 0.05)
        assert isinstance(caught.value, kind) or type(caught.value) is ccxt.ExchangeError
        assert held(venue) == "0"


async def test_a_refusal_may_hide_an_execution() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add(
            "reject", path=ORDER, times=1, http_status=503, code=-1007, executes=True, message="?"
        )
        with pytest.raises(ccxt.BaseError):
            await ex.create_order(BTC, "market", "buy", 0.05)
        assert held(venue) == "0.05"


async def test_a_ban_covers_everything_until_it_ends() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("ban", path=ORDER, times=1, retry_after_s=0.5)
        banned_at = time.monotonic()
        with pytest.raises(ccxt.DDoSProtection):
            await ex.create_order(BTC, "market", "buy", 0.05)
        assert ex.last_response_headers["Retry-After"] == "1"
        with pytest.raises(ccxt.DDoSProtection):
            await ex.fetch_balance()
        assert [seen.status for seen in venue.log][-2:] == [418, 418]
        await asyncio.sleep(max(0.0, 0.5 - (time.monotonic() - banned_at)) + 0.05)
        assert (await ex.fetch_balance())["USDT"]["total"] == 10_000


async def test_a_gap_falls_inside_the_latency_of_a_request() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        venue.faults.add("gap", path=ALGO, method="POST", times=1, move_frac=-0.05)
        with pytest.raises(ccxt.ExchangeError, match="-2021"):
            await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        assert venue.exchange.market(BTC).last == pytest.approx(76_000)


async def test_a_halt_refuses_new_orders_of_its_symbol_only() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("halt", symbol="BTCUSDT")
        with pytest.raises(ccxt.ExchangeError, match="-4140"):
            await ex.create_order(BTC, "market", "buy", 0.05)
        await ex.create_order(ETH, "market", "buy", 0.1)
        venue.faults.clear(FaultKind.HALT)
        await ex.create_order(BTC, "market", "buy", 0.05)


async def test_a_skewed_clock_refuses_timestamps_and_is_told_by_time() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.faults.add("skew_clock", offset_ms=20_000)
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await ex.fetch_balance()
        await ex.load_time_difference()
        assert -21_000 < ex.options["timeDifference"] < -19_000
        venue.faults.clear()
        ex.options["timeDifference"] = 0
        assert (await ex.fetch_balance())["USDT"]["total"] == 10_000


async def test_conditional_orders_can_vanish_without_a_word() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        stop = await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        venue.faults.add("cancel_conditional", symbol="BTCUSDT")
        assert await ex.fetch_open_orders(BTC, params={"trigger": True}) == []
        gone = await ex.fetch_order(stop["id"], BTC, {"trigger": True})
        assert gone["status"] == "canceled"
        venue.faults.add("cancel_conditional", symbol="BTCUSDT")
        again = await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        assert again["info"]["algoStatus"] == "NEW"
        assert await ex.fetch_open_orders(BTC, params={"trigger": True}) == []


async def test_a_stuck_trigger_stays_triggering() -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        venue.by_hand(BTC, OrderSide.BUY, "0.05")
        stop = await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        venue.faults.add("stick_triggering", symbol="BTCUSDT")
        venue.move(BTC, 77_000.0)
        seen = await ex.fetch_order(stop["id"], BTC, {"trigger": True})
        assert seen["info"]["algoStatus"] == "TRIGGERING"
        assert held(venue) == "0.05"
        state = venue.exchange.order(
            venue.account_id, BTC, venue_order_id=stop["id"], conditional=True
        )
        assert state is not None
        assert state.status is OrderStatus.TRIGGERING


async def test_a_frozen_stream_is_silent_while_others_flow() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        names = "btcusdt@aggTrade/ethusdt@aggTrade"
        async with session.ws_connect(f"{venue.ws_url}/stream?streams={names}") as ws:
            venue.faults.add("freeze", stream="btcusdt@*")
            await until(lambda: venue.world.hub.is_heard("ethusdt@aggTrade"))
            names = [(await soon(ws.receive_json()))["stream"] for _ in range(30)]
            assert "btcusdt@aggTrade" not in names[15:]
            venue.faults.clear()
            while (await soon(ws.receive_json()))["stream"] != "btcusdt@aggTrade":
                pass


async def test_frames_can_be_doubled_lost_and_swapped() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        url = f"{venue.ws_url}/stream?streams=x@test"
        async with session.ws_connect(url) as ws:
            await until(lambda: venue.world.hub.is_heard("x@test"))
            venue.faults.add("duplicate", stream="x@test", event="e1", times=1)
            venue.faults.add("drop_frame", stream="x@test", event="e2", times=1)
            venue.faults.add("reorder", stream="x@test", event="e3", times=1)
            for number in range(6):
                venue.world.hub.publish("x@test", f"e{number}", number)
            heard = [(await soon(ws.receive_json()))["data"] for _ in range(6)]
            assert heard == [0, 1, 1, 4, 3, 5]


@pytest.mark.parametrize("code", [0, 1001])
async def test_sockets_are_dropped_and_ccxt_comes_back(code: int) -> None:
    async with embedded_venue() as venue, client(venue) as ex:
        await soon(ex.watch_trades(BTC, params={"name": "aggTrade"}))
        venue.faults.add("drop_sockets", stream="btcusdt@*", code=code)

        async def watch_until_it_breaks() -> None:
            while True:
                await ex.watch_trades(BTC, params={"name": "aggTrade"})

        with pytest.raises(ccxt.NetworkError):
            await soon(watch_until_it_breaks())
        assert await soon(ex.watch_trades(BTC, params={"name": "aggTrade"}))


# ------------------------------------------------------------------ the control addresses


async def test_faults_moves_and_hands_work_over_the_control_addresses() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        rule = {"kind": "reject", "path": ORDER, "code": -2019, "message": "poor", "times": 1}
        async with session.post(f"{venue.url}/_control/faults", json=[rule]) as answer:
            assert [r["code"] for r in await answer.json()] == [-2019]
        move = {"symbol": "BTCUSDT", "price": 75_000}
        async with session.post(f"{venue.url}/_control/market", json=move) as answer:
            assert answer.status == 200
        assert venue.exchange.market(BTC).mark == 75_000
        order = {"symbol": "BTCUSDT", "side": "BUY", "qty": "0.01"}
        async with session.post(f"{venue.url}/_control/position", json=order) as answer:
            assert (await answer.json())["status"] == "FILLED"
        assert held(venue) == "0.01"
        async with session.get(f"{venue.url}/fapi/v1/time") as answer:
            await answer.read()
        async with session.get(f"{venue.url}/_control/log") as answer:
            rows = await answer.json()
        assert (rows[-1]["path"], rows[-1]["status"]) == ("/fapi/v1/time", 200)
        assert rows[-1]["ns"] > 10**18


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", "{", 400),
        ("faults", '[{"kind":"earthquake"}]', 400),
        ("faults", '[{"kind":"ban","colour":1}]', 400),
        ("faults", '[{"kind":"halt","symbol":"XYZUSDT"}]', 400),
        ("market", '{"symbol":"BTCUSDT","price":-1}', 400),
        ("market", '{"symbol":"BTCUSDT","price":1e99}', 400),
        ("market", '{"symbol":"XYZUSDT","price":1}', 400),
        ("position", '{"symbol":"BTCUSDT","side":"BUY","qty":"0"}', 400),
        ("position", '{"symbol":"BTCUSDT","side":"BUY","qty":"NaN"}', 400),
    ],
)
async def test_bad_control_requests_change_nothing(path: str, body: str, status: int) -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        async with session.post(f"{venue.url}/_control/{path}", data=body) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]
        assert venue.exchange.market(BTC).last == 80_000
        assert held(venue) == "0"


async def test_web_pages_have_no_control() -> None:
    async with embedded_venue() as venue, aiohttp.ClientSession() as session:
        for headers in ({"Origin": "http://evil.test"}, {"Host": "evil.test"}):
            async with session.get(f"{venue.url}/_control/log", headers=headers) as answer:
                assert answer.status == 403


# ------------------------------------------------------------------ the board itself


@given(
    seed=st.integers(0, 2**32), share=st.floats(0, 1), after=st.integers(0, 5),
    times=st.one_of(st.none(), st.integers(0, 5)), matches=st.integers(1, 60),
)  # fmt: skip
def test_the_same_seed_gives_the_same_trouble(
    seed: int, share: float, after: int, times: int | None, matches: int
) -> None:
    rule = FaultRule(
        kind=FaultKind.LOSE_ACK, path=ORDER, after=after, times=times, probability_frac=share
    )

    def hits() -> list[bool]:
        board = FaultBoard(seed, [rule])
        return [bool(board.on_request("POST", ORDER, "", "", 0)) for _ in range(matches)]

    first = hits()
    assert first == hits()
    assert not any(first[:after])
    assert times is None or sum(first) <= times
    if share == 1.0 and times is None:
        assert all(first[after:])


def test_a_rule_ends_with_its_time() -> None:
    board = FaultBoard(1, [FaultRule(kind=FaultKind.FREEZE, duration_s=2.0)], armed_ns=10**9)
    assert board.on_frame("btcusdt@trade", "trade", "", 2 * 10**9) is FaultKind.FREEZE
    assert board.on_frame("btcusdt@trade", "trade", "", 3 * 10**9) is None


@pytest.mark.parametrize("body", [b"", b"nonsense", b'[{"kind":"ban","probability_frac":2}]', b"3"])
def test_undecodable_rules_are_one_clear_line(body: bytes) -> None:
    with pytest.raises(ConfigInvalid, match="fault rules"):
        decode_rules(body)
