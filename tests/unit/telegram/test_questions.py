"""Every command of the chat is answered: briefly, with its detail on a button, or a picture."""

import pytest

from bot.domain.orders import PositionSide
from bot.kernel.snapshot import Bar
from bot.telegram.commands import ORDER_LINES, QUERIES
from tests.fakes.bot_api import OPERATOR, buttons
from tests.fakes.kernel_world import BTC, World, position
from tests.unit.telegram.stand import PNG, Stand, chatting


def held() -> World:
    """A long of 0.1 opened by hand at 76,000, with the kernel's stop on its way."""
    world = World()
    world.account()
    ns = world.later(1.0)
    leg = position(PositionSide.LONG, "0.1", "76000", ns=ns, margin="2000")
    world.accept_all(world.account(positions=[leg]))
    world.mark(75_500.0)
    return world


SAYS = {
    "status": ("Equity 9,950.00 USD", "BTC 75,500.00"),
    "positions": ("BTC LONG 0.1 at 76,000.00", "-50.00 USD", "liquidation"),
    "risk": ("Budget left", "At "),
    "liq": ("BTC LONG: mark 75,500.00", "away"),
    "orders": ("BTC STOP SELL",),
    "trades": ("0 trades closed",),
    "pnl": ("Today", "Equity 9,950.00 USD"),
    "daily": ("By day (UTC)", "USD (-0.50 %)"),
    "weekly": ("By week (UTC)", "USD (-0.50 %)"),
    "digest": ("Equity 9,950.00 USD, -50.00 USD", "BTC LONG 0.1: -50.00 USD, stop"),
    "accounts": ("@hedge (bybit): ACTIVE", "@main (binance): no answer"),
    "why": ("BTC x: y",),
    "events": ("WARNING cut: cut by half",),
    "strategies": ("",),
    "stress": ("fall of 20%",),
    "doctor": ("1 checks failed", "free disk"),
    "health": ("Ready, up 2.0 h, 120.5 MB",),
    "config": ("paper, L20, enforce full",),
    "version": ("breakwater 0.1.0",),
    "reload": ("In force from now on: telegram", "next start: risk"),
    "help": ("/panic - close everything now", "These lower risk and act at once"),
}


def test_every_question_has_an_answer_and_nothing_is_ordered() -> None:
    async def script(stand: Stand) -> None:
        for name in [*QUERIES, "help", "start"]:
            told = await stand.api.answer(f"/{name}")
            words = told.get("text") or told.get("caption")
            assert words, name
            assert "failed" not in words.lower() or name == "doctor", (name, words)
            for part in SAYS.get(name, ()):
                assert part in words, (name, words)
            assert int(told["chat"]["id"]) == OPERATOR
        assert stand.house.orders == []
        assert stand.house.told == []

    chatting(script, held())


def test_before_anything_is_known_a_question_is_answered_all_the_same() -> None:
    async def script(stand: Stand) -> None:
        for name in sorted(set(QUERIES) - {"doctor"}):
            words = (await stand.api.answer(f"/{name}")).get("text", "picture")
            assert "That failed" not in words, name
            assert "nan" not in words.lower().split(), name

    chatting(script)


def test_the_detail_comes_on_a_button_and_says_more() -> None:
    async def script(stand: Stand) -> None:
        short = await stand.api.answer("/positions btc")
        assert [b["text"] for row in buttons(short) for b in row] == ["Detail"]
        count = len(stand.api.messages)
        stand.api.presses(short, "Detail")
        detail = await stand.api.sent(after=count)
        assert "by the venue" in detail["text"]
        assert stand.asked[-1] == ("positions", {"symbol": BTC})
        assert stand.api.of("answerCallbackQuery")
        (menu,) = stand.api.of("setMyCommands")
        assert {c["command"] for c in menu["commands"]} == {*QUERIES, *ORDER_LINES}
        assert menu["scope"] == {"type": "chat", "chat_id": OPERATOR}

    chatting(script, held())


@pytest.mark.parametrize("name", ["chart", "equity"])
def test_pictures_are_photos_with_words(name: str) -> None:
    async def script(stand: Stand) -> None:
        world = stand.house.world
        if name == "chart":
            world.kernel.state.markets[BTC].bars.append(Bar(world.later(0.1), 1.0, 2.0, 1.0, 1.5))
        told = await stand.api.answer(f"/{name}")
        assert told["photo_bytes"] == PNG
        assert told["caption"]
        assert stand.drawn[0][0] == name

    chatting(script, held())


def test_what_is_not_understood_is_answered_with_what_to_write() -> None:
    async def script(stand: Stand) -> None:
        api = stand.api
        assert "slash" in (await api.answer("hello"))["text"]
        assert "slash" in (await api.answer("panic"))["text"]
        assert "Did you mean /panic?" in (await api.answer("panic!"))["text"]
        assert "Did you mean /positions?" in (await api.answer("/postions"))["text"]
        assert "Did you mean" not in (await api.answer("/xyzzy"))["text"]
        assert "/help" in (await api.answer("/xyzzy"))["text"]
        assert "Known: BTC/USDT:USDT" in (await api.answer("/flatten DOGE"))["text"]
        assert "1 % or all" in (await api.answer("/reduce 1"))["text"]
        assert "no share" in (await api.answer("/reduce much"))["text"]
        assert "How much" in (await api.answer("/reduce"))["text"]
        assert "limit: was" in (await api.answer("/trades many"))["text"]
        assert "/mode SYMBOL" in (await api.answer("/mode BTC"))["text"]
        for price in ("", " cheap", " -1", " nan"):
            said = await api.answer(f"/mode BTC long tp_only{price}")
            assert "the price to leave at" in said["text"]
        assert "slash" in (await api.answer("/status@another_bot"))["text"]
        assert "Equity" in (await api.answer("/STATUS@breakwater_bot"))["text"]
        assert stand.house.orders == []

    chatting(script, held())


def test_a_slow_answer_holds_up_no_panic() -> None:
    async def script(stand: Stand) -> None:
        stand.slow_s = 10.0
        for _ in range(12):
            stand.api.says("/doctor")
        stand.api.says("/panic")
        await stand.api.sent(lambda m: "paused until" in m["text"])
        assert not any("checks failed" in m["text"] for m in stand.api.messages)
        assert any("Too many questions" in m["text"] for m in stand.api.messages)

    chatting(script, held())
