"""Telegram down, slow, flooding, shared or closed: protection and orders do not notice."""

import pytest

from bot.domain.risk import Severity
from tests.fakes.bot_api import TOKEN
from tests.fakes.kernel_world import BTC
from tests.fakes.receivers import MemoryKeep
from tests.unit.telegram.stand import Stand, chatting
from tests.unit.telegram.test_questions import held

C, W, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def test_a_server_gone_for_ten_minutes_loses_no_alert_and_folds_the_flood() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        await api.answer("/version")
        await api.gone()
        for second in range(600):
            stand.say(W, "cut", f"cut {second}", BTC)
            if second % 60 == 0:
                stand.say(C, f"alarm_{second // 60}", f"critical {second}", BTC)
            stand.say(INFO, "ready", f"chatter {second}")
            await stand.clock.sleep_s(1)
        before = len(api.messages)
        await api.back()
        await stand.clock.sleep_s(120)
        told = "\n".join(m["text"] for m in api.messages[before:])
        for number in range(10):
            assert f"critical {number * 60}" in told
        assert "cut 0\n" in told
        assert "cut 599" in told
        assert "(600 times)" in told
        assert len(api.messages) - before < 25, "a cascade is a few messages"
        assert "breakwater 0.1.0" in (await api.answer("/version"))["text"]

    chatting(script, held())


def test_what_could_not_be_told_before_a_kill_is_told_by_the_next_life() -> None:
    kept = MemoryKeep()

    async def first(stand: Stand) -> None:
        await stand.api.answer("/version")
        await stand.api.gone()
        stand.say(C, "latch", "the budget is used")
        await stand.clock.sleep_s(90)

    chatting(first, held(), alert_keep=kept)

    async def second(stand: Stand) -> None:
        alert = await stand.api.sent(lambda m: "latch" in m["text"])
        assert "the budget is used" in alert["text"]

    chatting(second, held(), alert_keep=kept)


def test_a_flood_limit_is_waited_out_and_nothing_is_lost() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        await api.answer("/version")
        api.fail("sendMessage", 429, retry_after=209)
        began = stand.clock.now_ns()
        stand.say(C, "coverage", "bare", BTC)
        await api.sent(lambda m: "bare" in m["text"], within_s=600)
        waited_s = (stand.clock.now_ns() - began) / 1e9
        assert 209 <= waited_s < 240
        api.fail("sendMessage", 429, times=2, retry_after=3)
        assert "breakwater" in (await api.answer("/version"))["text"]

    chatting(script, held())


def test_orders_work_while_answers_cannot_be_sent_and_are_answered_later() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        await api.answer("/version")
        api.always["sendMessage"] = (429, {"retry_after": 600})
        for _ in range(100):
            api.says("/status")
        api.says("/panic")
        await api.read()
        await stand.clock.sleep_s(1)
        assert stand.ordered == ["flatten"]
        before = len(api.messages)
        await stand.clock.sleep_s(300)
        del api.always["sendMessage"]
        told = await api.sent(after=before, within_s=900)
        assert "paused until" in told["text"], "old answers are given up, outcomes are not"

    chatting(script, held())


def test_a_server_that_hangs_delays_no_order_and_loses_no_alert() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        await api.answer("/version")
        api.hanging.add("sendMessage")
        for number in range(5):
            stand.say(C, f"alarm_{number}", f"critical {number}", BTC)
        began_ns = stand.clock.now_ns()
        api.says("/status")
        api.says("/panic")
        while not stand.ordered:
            await stand.clock.sleep_s(0.01)
        assert stand.clock.now_ns() - began_ns < 1_000_000_000
        await stand.clock.sleep_s(120)
        api.hanging.clear()
        for number in range(5):
            wanted = f"critical {number}"
            await api.sent(lambda m, w=wanted: w in m["text"], within_s=120)

    chatting(script, held())


def test_news_that_come_too_fast_for_the_server_are_asked_for_later() -> None:
    async def script(stand: Stand) -> None:
        stand.api.fail("getUpdates", 429, retry_after=20)
        began_ns = stand.clock.now_ns()
        assert "breakwater" in (await stand.api.answer("/version"))["text"]
        assert 20 <= (stand.clock.now_ns() - began_ns) / 1e9 < 30

    chatting(script, held())


def test_somebody_else_with_our_token_is_an_alarm_and_a_restart_is_none() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        api.fail("getUpdates", 409)
        await api.answer("/version")
        assert stand.house.told == []
        await stand.clock.sleep_s(400)
        api.fail("getUpdates", 409, times=6)
        alert = await api.sent(lambda m: "conflict" in m["text"])
        assert alert["text"].startswith("CRITICAL telegram conflict")
        assert "revoke the token" in alert["text"]
        await api.answer("/version")
        assert sum(kind == "telegram_conflict" for _, kind, _ in stand.house.told) == 1

    chatting(script, held())


@pytest.mark.parametrize("code", [500, 502, 404])
def test_trouble_at_the_server_is_waited_out(code: int) -> None:
    async def script(stand: Stand) -> None:
        stand.api.fail("getUpdates", code, times=4)
        stand.api.fail("sendMessage", 502, times=3)
        assert "breakwater" in (await stand.api.answer("/version"))["text"]

    chatting(script, held())


def test_a_refused_token_is_told_once_in_words_without_the_token() -> None:
    async def script(stand: Stand) -> None:
        await stand.clock.sleep_s(300)
        ((severity, kind, text),) = stand.house.told
        assert (severity, kind) == (W, "door")
        assert "token is refused" in text
        assert TOKEN not in text
        assert "another-token" not in text

    chatting(script, held(), token="4242424242:another-token")


def test_an_answer_telegram_will_never_take_does_not_stop_the_next() -> None:
    async def script(stand: Stand) -> None:
        await stand.api.answer("/version")
        stand.api.fail("sendMessage", 400)
        stand.api.says("/version")
        await stand.api.read()
        await stand.clock.sleep_s(1)
        assert "Equity" in (await stand.api.answer("/status"))["text"]

    chatting(script, held())


def test_an_update_nobody_can_read_does_not_stop_the_chat() -> None:
    async def script(stand: Stand) -> None:
        stand.api.put({"message": {"message_id": "x", "date": "never"}})
        await stand.clock.sleep_s(5)
        stand.api.updates.clear()
        assert "breakwater" in (await stand.api.answer("/version"))["text"]

    chatting(script, held())
