"""Several accounts in one daemon: `@NAME` means one of them, `@all` and /panic every one."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.messages import Effect, SubmitOrder
from bot.domain.orders import PositionSide, Purpose
from bot.telegram.commands import Unclear
from bot.telegram.roster import Account, split
from tests.fakes.bot_api import buttons
from tests.fakes.kernel_world import BTC, World, position
from tests.unit.telegram.stand import SPECIAL, House, Stand, chatting
from tests.unit.telegram.test_questions import held


def hedge() -> World:
    """A long of 0.3 in another account; it trades SOL as well."""
    world = World()
    world.account()
    leg = position(PositionSide.LONG, "0.3", "75000", ns=world.later(1.0), margin="9000")
    world.accept_all(world.account(positions=[leg]))
    world.mark(75_500.0)
    return world


class Beside:
    """An account beside the first, as the composition root offers it."""

    def __init__(self) -> None:
        self.house = House(hedge())
        self.asked: list[str] = []
        self.lives = True

    async def ask(self, name: str, args: dict[str, str]) -> dict[str, object]:
        from bot.answers.ask import ask
        from bot.answers.question import Question

        self.asked.append(name)
        kernel = self.house.world.kernel
        return ask(name, Question(state=kernel.state, policy=kernel.policy, args=args))

    def accounts(self) -> dict[str, Account]:
        if not self.lives:
            return {}
        return {"Hedge": Account("Hedge", self.house, self.ask, lambda: [BTC, "SOL/USDT:USDT"])}

    @property
    def ordered(self) -> list[str]:
        return [name for name, *_ in self.house.orders]


def with_two(script: Callable[[Stand, Beside], Any]) -> None:
    beside = Beside()
    chatting(lambda stand: script(stand, beside), held(), others=beside.accounts)


def closes(effects: list[Effect]) -> list[str]:
    return [
        str(effect.order.qty)
        for effect in effects
        if isinstance(effect, SubmitOrder) and effect.order.purpose is Purpose.FLATTEN
    ]


def test_a_question_is_answered_by_the_account_that_is_named() -> None:
    async def script(stand: Stand, beside: Beside) -> None:
        short = await stand.api.answer("/positions btc @HEDGE")
        assert short["text"].startswith("Hedge: BTC LONG 0.3 at 75,000.00")
        assert beside.asked == ["positions"]
        assert stand.asked == []
        count = len(stand.api.messages)
        stand.api.presses(short, "Detail")
        assert "notional 22,650" in (await stand.api.sent(after=count))["text"]
        assert [b["callback_data"] for row in buttons(short) for b in row] == [
            f"d:positions {BTC} @Hedge"
        ]
        first = await stand.api.answer("/positions")
        assert first["text"].startswith("main: BTC LONG 0.1")
        unknown = await stand.api.answer("/status @nobody")
        assert "Known: @main, @Hedge, @all" in unknown["text"]
        twice = await stand.api.answer("/status @main @hedge")
        assert "Name one account" in twice["text"]

    with_two(script)


def test_an_order_reaches_the_account_that_is_named_and_no_other() -> None:
    async def script(stand: Stand, beside: Beside) -> None:
        told = await stand.api.answer("/reduce 50 @hedge")
        assert told["text"].startswith("Hedge: reducing")
        assert (beside.ordered, stand.ordered) == (["reduce"], [])
        await stand.api.answer("/pause")
        assert (beside.ordered, stand.ordered) == (["reduce"], ["pause"])

    with_two(script)


def test_a_panic_closes_every_account_even_when_one_does_not_answer() -> None:
    async def script(stand: Stand, beside: Beside) -> None:
        beside.house.deaf = True
        stand.api.says("/panic")
        await stand.api.sent(lambda m: m["text"].startswith("main: ") and "paused" in m["text"])
        await stand.api.sent(lambda m: m["text"].startswith("Hedge: No answer in time"))
        assert closes(stand.house.effects) == ["0.1"]
        beside.house.deaf = False
        stand.api.says("/panic@breakwater_bot now!")
        await stand.api.sent(lambda m: m["text"].startswith("Hedge: ") and "paused" in m["text"])
        assert closes(beside.house.effects) == ["0.3"]

    with_two(script)


def test_a_contract_that_one_account_alone_knows_is_closed_there() -> None:
    async def script(stand: Stand, beside: Beside) -> None:
        await stand.api.answer("/flatten SOL @all")
        assert (beside.ordered, stand.ordered) == (["flatten"], [])

    with_two(script)


def test_what_raises_risk_is_asked_for_one_account_and_confirmed_for_it() -> None:
    async def script(stand: Stand, beside: Beside) -> None:
        refused = await stand.api.answer("/resume @all")
        assert "one account at a time" in refused["text"]
        await stand.api.answer("/pause @hedge")
        asked = await stand.api.answer("/resume @hedge")
        assert asked["text"].startswith("Hedge: This raises risk")
        count = len(stand.api.messages)
        stand.api.presses(asked, "Yes, do it")
        await stand.api.sent(after=count)
        assert (beside.ordered, stand.ordered) == (["pause", "resume"], [])
        gone = await stand.api.answer("/resume @hedge")
        beside.lives = False
        count = len(stand.api.messages)
        stand.api.presses(gone, "Yes, do it")
        assert "No account @Hedge lives" in (await stand.api.sent(after=count))["text"]
        assert stand.ordered == [], "the button of one account gives no order to another"

    with_two(script)


def test_all_accounts_are_told_on_one_page() -> None:
    from bot.telegram.texts.accounts import accounts

    said = accounts(SPECIAL["accounts"], "UTC")
    assert "@hedge (bybit): ACTIVE, 5,000.00 USD" in said.short
    assert "UNPROTECTED: BTC/USDT:USDT LONG" in said.short
    assert "@main (binance): no answer: not yet" in said.short
    assert "NOT SEEN now: main; at least 4,000.00 USD" in said.short
    assert "re-arm each" in said.short
    assert "all prices -20%: 4,200.00 USD left" in said.detail


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/status", ("/status", "")),
        ("/status@bot BTC", ("/status@bot BTC", "")),
        ("/flatten @Hedge BTC", ("/flatten BTC", "hedge")),
    ],
)
def test_the_account_is_taken_out_of_the_words(text: str, found: tuple[str, str]) -> None:
    assert split(text) == found
    with pytest.raises(Unclear):
        split(f"{text} @a @b")
