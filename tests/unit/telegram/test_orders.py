"""Orders by chat: down at once, up with a button and a code, each once, from nobody else."""

import asyncio
from decimal import Decimal

import pyotp
import pytest

from bot.domain.messages import SubmitOrder
from bot.domain.risk import Severity, TradingMode
from tests.fakes.bot_api import OPERATOR, buttons
from tests.fakes.kernel_world import BTC, World
from tests.fakes.receivers import MemoryKeep
from tests.unit.telegram.stand import Stand, chatting
from tests.unit.telegram.test_questions import held

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STRANGER = 666
GROUP = -100_123


def code_at(stand: Stand, ahead_s: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(stand.clock.now_ns() // 1_000_000_000 + ahead_s)


def state(stand: Stand):
    return stand.house.world.kernel.state


@pytest.mark.parametrize(
    ("words", "name", "args"),
    [
        ("/pause", "pause", {}),
        ("/reduce 50", "reduce", {"fraction": "0.5"}),
        ("/reduce 12.5% btc", "reduce", {"fraction": "0.125", "symbol": BTC}),
        ("/reduce 0.25 all", "reduce", {"fraction": "0.25"}),
        ("/reduce 100", "reduce", {"fraction": "1"}),
        ("/flatten", "flatten", {}),
        ("/flatten BTCUSDT", "flatten", {"symbol": BTC}),
        ("/panic now, please!!", "flatten", {}),
        ("/mode btc long panic", "mode", {"symbol": BTC, "side": "long", "mode": "panic"}),
        (
            "/mode btc short graceful_stop",
            "mode",
            {"symbol": BTC, "side": "short", "mode": "graceful_stop"},
        ),
    ],
)
def test_what_lowers_risk_acts_at_once_without_a_code(words, name, args) -> None:
    async def script(stand: Stand) -> None:
        told = await stand.api.answer(words)
        assert "Refused" not in told["text"]
        assert buttons(told) == []

    stand = chatting(script, held(), totp_secret=SECRET)
    ((ordered, given, operator, key),) = stand.house.orders
    assert (ordered, given) == (name, args)
    assert operator == f"telegram:{OPERATOR}"
    assert key.startswith("tg")


def test_flatten_closes_and_says_what_next() -> None:
    async def script(stand: Stand) -> None:
        told = await stand.api.answer("/flatten")
        assert "BTC/USDT:USDT LONG by 0.1" in told["text"]
        assert "Next: /positions" in told["text"]
        assert state(stand).wanted_mode is TradingMode.REDUCING
        sent = [e.order for e in stand.house.effects if isinstance(e, SubmitOrder)]
        assert any(order.reduce_only and order.qty == Decimal("0.1") for order in sent), sent

    chatting(script, held())


def test_raising_risk_needs_the_button_and_the_button_works_once() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        await api.answer("/pause")
        asked = await api.answer("/resume")
        assert "raises risk" in asked["text"]
        assert stand.ordered == ["pause"]
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        assert "resumed" in (await api.sent(after=count))["text"]
        assert state(stand).wanted_mode is TradingMode.ACTIVE
        await api.answer("/pause")
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        assert "over" in (await api.sent(after=count))["text"]
        assert state(stand).wanted_mode is TradingMode.REDUCING
        assert int(api.of("editMessageReplyMarkup")[0]["message_id"]) == asked["message_id"]

    stand = chatting(script, held())
    assert stand.ordered == ["pause", "resume", "pause"]


def test_a_button_ends_with_time_with_no_and_with_any_order_down() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        late = await api.answer("/resume")
        await stand.clock.sleep_s(61)
        count = len(api.messages)
        api.presses(late, "Yes, do it")
        assert "over" in (await api.sent(after=count))["text"]
        refused = await api.answer("/resume")
        count = len(api.messages)
        api.presses(refused, "No")
        await api.sent(after=count)
        count = len(api.messages)
        api.presses(refused, "Yes, do it")
        assert "over" in (await api.sent(after=count))["text"]
        asked = await api.answer("/resume")
        await api.answer("/panic")
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        assert "over" in (await api.sent(after=count))["text"]

    assert chatting(script, held()).ordered == ["flatten"]


@pytest.mark.parametrize("words", ["/mode btc long manual", "/mode btc long tp_only 90000"])
def test_loosening_a_side_is_asked_for(words: str) -> None:
    async def script(stand: Stand) -> None:
        asked = await stand.api.answer(words)
        assert stand.ordered == []
        count = len(stand.api.messages)
        stand.api.presses(asked, "Yes, do it")
        await stand.api.sent(after=count)
        assert stand.ordered == ["mode"]

    chatting(script, held())


def test_rearm_tells_what_it_means_and_then_begins_a_new_budget() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        assert "not latched" in (await api.answer("/rearm"))["text"]
        state(stand).latched, state(stand).latch_reason = True, "the budget is used"
        asked = await api.answer("/rearm")
        assert "new peak at today's equity" in asked["text"]
        assert "code" not in asked["text"]
        assert state(stand).latched
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        assert "re-armed" in (await api.sent(after=count))["text"]
        assert not state(stand).latched
        assert "no looser limit" in (await api.answer("/limits"))["text"]

    chatting(script, held())


def test_with_an_authenticator_a_code_works_once_also_after_a_restart() -> None:
    keep, used = MemoryKeep(), []

    async def script(stand: Stand) -> None:
        api = stand.api
        asked = await api.answer("/resume")
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        assert "6 digits" in (await api.sent(after=count))["text"]
        assert stand.ordered == []
        used.append(code_at(stand))
        assert "resumed" in (await api.answer(used[0]))["text"]
        asked = await api.answer("/resume")
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        await api.sent(after=count)
        assert "used before" in (await api.answer(used[0]))["text"]
        assert stand.ordered == ["resume"]

    chatting(script, held(), totp_secret=SECRET, keep=keep)

    async def again(stand: Stand) -> None:
        stand.api.next_update = 5_000
        asked = await stand.api.answer("/resume")
        count = len(stand.api.messages)
        stand.api.presses(asked, "Yes, do it")
        await stand.api.sent(after=count)
        assert code_at(stand) == used[0], "it is the same half minute"
        assert "used before" in (await stand.api.answer(used[0]))["text"]
        assert stand.ordered == []

    chatting(again, held(), totp_secret=SECRET, keep=keep)


def test_wrong_codes_lock_what_raises_risk_and_alarm_but_never_what_lowers_it() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        asked = await api.answer("/resume")
        count = len(api.messages)
        api.presses(asked, "Yes, do it")
        await api.sent(after=count)
        right = code_at(stand)
        wrong = f"{(int(right) + 7) % 1_000_000:06d}"
        for _ in range(3):
            assert "Wrong code" in (await api.answer(wrong))["text"]
        assert (Severity.CRITICAL, "telegram_totp") in [t[:2] for t in stand.house.told]
        api.says(right)
        await api.sent(lambda m: "begin with a slash" in m["text"])
        count = len(api.messages)
        api.says("/resume")
        asked = await api.sent(lambda m: "raises risk" in m["text"], after=count)
        api.presses(asked, "Yes, do it")
        await api.sent(lambda m: "Too many wrong codes" in m["text"])
        assert stand.ordered == []
        await api.answer("/pause")
        assert stand.ordered == ["pause"]

    chatting(script, held(), totp_secret=SECRET)


@pytest.mark.parametrize(
    "who",
    [
        {"user": STRANGER},
        {"user": STRANGER, "chat": OPERATOR},
        {"user": OPERATOR, "chat": GROUP, "kind": "supergroup"},
        {"user": OPERATOR, "chat": OPERATOR, "kind": "group"},
        {"user": OPERATOR, "chat": STRANGER},
    ],
)
def test_nobody_else_gets_anything_and_the_operator_hears_of_it(who) -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        mine = await api.answer("/resume")
        for words in ("/status", "/panic", "/resume", "hello", "/start"):
            api.says(words, **who)
        if who["user"] == STRANGER:
            api.presses(mine, "Yes, do it", user=STRANGER)
        await api.read()
        alert = await api.sent(lambda m: "telegram stranger" in m["text"])
        assert f"User {who['user']}" in alert["text"]
        await stand.clock.sleep_s(30)
        assert {m["chat"]["id"] for m in api.messages} == {OPERATOR}
        assert sum("stranger" in m["text"] for m in api.messages) == 1
        assert stand.ordered == []
        assert stand.asked == []

    chatting(script, held())


@pytest.mark.parametrize("field", ["edited_message", "channel_post"])
def test_only_new_messages_speak(field: str) -> None:
    async def script(stand: Stand) -> None:
        stand.api.says("/panic", field=field)
        stand.api.says(
            "/panic",
            forward_origin={"type": "hidden_user", "date": 1, "sender_user_name": "x"},
        )
        stand.api.says("/panic", via_bot={"id": 9, "is_bot": True, "first_name": "b"})
        await stand.api.read()
        await stand.api.answer("/version")
        assert stand.ordered == []

    chatting(script, held())


def test_repeated_updates_do_nothing_also_after_a_restart() -> None:
    keep = MemoryKeep()

    async def script(stand: Stand) -> None:
        stand.api.forgetful = True
        number = stand.api.says("/reduce 50")
        await stand.api.sent(lambda m: "reducing" in m["text"])
        for _ in range(3):
            stand.api.says("/reduce 50", update_id=number)
        stand.api.says("/version", update_id=number - 40)
        await stand.api.sent(lambda m: "breakwater 0.1.0" in m["text"])
        assert stand.ordered == ["reduce"], "an unseen lower number is no repetition"

    chatting(script, held(), keep=keep)

    async def again(stand: Stand) -> None:
        stand.api.says("/reduce 50", update_id=1_000)
        stand.api.says("/version")
        await stand.api.sent(lambda m: "breakwater 0.1.0" in m["text"])
        assert stand.ordered == []

    chatting(again, held(), keep=keep)


def test_old_commands_do_nothing_and_the_operator_is_told() -> None:
    async def script(stand: Stand) -> None:
        told = await stand.api.answer("/panic", age_s=61)
        assert told["text"].startswith("Not done: /panic was written 61 s ago")
        assert stand.ordered == []
        await stand.api.answer("/panic", age_s=58)
        assert stand.ordered == ["flatten"]

    chatting(script, held())


def test_a_full_disk_refuses_what_raises_risk_and_lets_through_what_lowers_it() -> None:
    keep = MemoryKeep()
    keep.broken = True

    async def script(stand: Stand) -> None:
        assert "Not possible now" in (await stand.api.answer("/resume"))["text"]
        await stand.api.answer("/panic")
        assert stand.ordered == ["flatten"]

    chatting(script, held(), keep=keep)


class SlowKeep(MemoryKeep):
    """A disk that hangs when it is told to."""

    hanging = False

    async def save(self, data: bytes) -> None:
        if self.hanging:
            await asyncio.sleep(30)
        await super().save(data)


def test_a_hanging_disk_delays_no_panic_and_lets_nothing_overtake_it() -> None:
    keep = SlowKeep()

    async def script(stand: Stand) -> None:
        api = stand.api
        asked = await api.answer("/resume")
        keep.hanging = True
        for _ in range(5):
            api.says("/status")
        began_ns = stand.clock.now_ns()
        api.presses(asked, "Yes, do it")
        api.says("/panic")
        await api.sent(lambda m: "paused until" in m["text"])
        assert stand.clock.now_ns() - began_ns < 500_000_000
        await stand.clock.sleep_s(30)
        assert stand.ordered == ["flatten"]
        keep.hanging = False

    chatting(script, held(), keep=keep)


def test_an_order_down_that_comes_while_the_disk_takes_its_time_goes_first() -> None:
    class Waiting(MemoryKeep):
        gate = None

        async def save(self, data: bytes) -> None:
            if self.gate is not None:
                await self.gate.wait()
            await super().save(data)

    keep = Waiting()

    async def script(stand: Stand) -> None:
        api = stand.api
        asked = await api.answer("/resume")
        keep.gate = asyncio.Event()
        api.presses(asked, "Yes, do it")
        await api.answer("/pause")
        keep.gate.set()
        await api.sent(lambda m: "goes first" in m["text"])
        assert stand.ordered == ["pause"]

    chatting(script, held(), keep=keep)


def test_an_order_without_an_answer_is_said_to_be_open() -> None:
    async def script(stand: Stand) -> None:
        stand.house.deaf = True
        told = await stand.api.answer("/panic")
        assert "it may still happen" in told["text"]
        assert "/status" in told["text"]

    chatting(script, held())


def test_critical_alerts_are_acknowledged_by_button_and_by_word() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        stand.say(Severity.CRITICAL, "coverage", "BTC had no stop", BTC)
        alert = await api.sent()
        assert "CRITICAL coverage BTC" in alert["text"]
        assert "Next: look at /positions" in alert["text"]
        assert not alert["silent"]
        api.presses(alert, "Acknowledge")
        assert (await api.sent(after=1))["text"] == "Acknowledged: coverage."
        assert (await api.answer("/ack"))["text"] == "No alert waits for you."
        count = len(api.messages)
        api.presses(alert, "Positions")
        assert "BTC LONG" in (await api.sent(after=count))["text"]
        stand.say(Severity.INFO, "ready", "ready")
        assert (await api.sent(lambda m: "INFO ready" in m["text"]))["silent"]
        await api.answer("/mute 30")
        stand.say(Severity.WARNING, "cut", "cut")
        assert (await api.sent(lambda m: "WARNING cut" in m["text"]))["silent"]
        assert "Sound is on" in (await api.answer("/mute off"))["text"]
        assert "/mute 60" in (await api.answer("/mute forever"))["text"]

    chatting(script, held())


def test_a_world_without_positions_says_so() -> None:
    async def script(stand: Stand) -> None:
        world = stand.house.world
        world.account()
        assert "nothing is held" in (await stand.api.answer("/flatten"))["text"]

    chatting(script, World())
