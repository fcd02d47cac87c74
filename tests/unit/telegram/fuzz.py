"""Random mail for the clerk, by a seed: strangers, groups, old words, repeats, forged buttons.

`./run campaign mail` runs 100,000 updates and prints what came of them.
Every order that reaches the house is held against an oracle that knows only the rules of the chat.
"""

import json
import random
from collections import Counter
from typing import Any

import pyotp
from telegram import Bot, Update

from bot.answers.question import QuestionUnclear
from bot.domain.messages import Answer
from bot.telegram.clerk import Clerk, Desk
from bot.telegram.config import ChatConfig
from bot.telegram.incoming import read
from bot.telegram.outgoing import Outgoing
from bot.telegram.record import Record
from bot.telegram.roster import FIRST, Account, Roster
from tests.fakes.bot_api import OPERATOR, TOKEN
from tests.fakes.kernel_world import BTC
from tests.fakes.receivers import MemoryKeep

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
DOWN = {"/pause", "/panic", "/flatten", "/reduce", "/mode"}
CODE_LIFE_S = 90.0
"""One step early to one late; after it the same digits can only be those of another step."""
RAISING = {"resume", "rearm", "limits"}
WORDS = (
    "/pause", "/resume", "/panic", "/flatten", "/flatten BTC", "/flatten DOGE", "/reduce 50",
    "/reduce 1", "/reduce nan", "/reduce -5", "/rearm", "/rearm abc123", "/limits",
    "/mode btc long panic", "/mode btc long manual", "/mode btc short normal", "/mode btc",
    "/mode btc long graceful_stop", "/status", "/help", "/mute 5", "/ack", "/why x", "/chart",
    "resume", "/RESUME", "/resume@breakwater_bot", "/resume@other_bot", "/resume\n/panic", "",
    "/", "//", "/\x00", "y:abc", "😀", "/" + "a" * 4_000, "000000", "123456",
)  # fmt: skip


class Clockwork:
    """A clock that the fuzz turns."""

    def __init__(self) -> None:
        self.ns = 1_770_000_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    async def sleep_s(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


class Fuzz:
    """One life after another of a clerk with one record on disk, and the oracle beside it."""

    def __init__(self, seed: int, *, totp: bool) -> None:
        self.dice = random.Random(seed)
        self.clock = Clockwork()
        self.keep = MemoryKeep()
        self.totp = SECRET if totp else ""
        self.outgoing: list[Outgoing] = []
        self.orders: list[tuple[str, dict[str, str], str]] = []
        self.counts: Counter[str] = Counter()
        self.last_id = 100
        self.sent: list[dict[str, Any]] = []
        self.taken: set[int] = set()
        self.codes_used: dict[str, int] = {}
        self.nonces: dict[str, tuple[str, int]] = {}
        self.spent: dict[str, None] = {}
        self.pressed_ns = 0
        self.again = 0
        """How many of the newest updates come once more, as after a restart."""
        self.bot = Bot(TOKEN)
        self.live()

    def live(self) -> None:
        """Begin a life: what is only in memory is gone."""
        config = ChatConfig(token=TOKEN, user_id=OPERATOR, chat_id=OPERATOR, totp_secret=self.totp)
        desk = Desk(
            house=self, roster=Roster(Account(FIRST, self, self._ask, lambda: [BTC]), dict),
            alerts=self, draw=self._draw,
            put=self.outgoing.append, spawn=self._spawn, clock=self.clock,
        )  # fmt: skip
        self.work: list[Any] = []
        self.nonces.clear()
        self.clerk = Clerk(config, desk, Record(self.keep), "breakwater_bot")

    def _spawn(self, work: Any) -> None:
        self.work.append(work)

    async def _ask(self, name: str, _args: dict[str, str]) -> dict[str, object]:
        if name != "why":
            raise QuestionUnclear("not now")
        return {"chain": [], "ref": None}

    async def _draw(self, _kind: str, _document: dict[str, object]) -> bytes:
        return b""

    def acknowledge(self) -> tuple[()]:
        return ()

    def mute(self, _minutes: float) -> int:
        return 0

    def say(self, _severity: object, kind: str, _text: str, _symbol: str = "") -> None:
        self.counts[f"told {kind}"] += 1

    async def order(
        self, name: str, args: dict[str, str], *, operator: str, key: str = ""
    ) -> Answer:
        assert operator == f"telegram:{OPERATOR}"
        self.orders.append((name, args, key))
        told = name in ("rearm", "limits") and "code" not in args
        return Answer(key, not told, "new budget. Repeat with code abc123" if told else "done")

    # ------------------------------------------------------------ one update

    async def step(self) -> None:
        """Send one random update and judge what came of it."""
        dice = self.dice
        self.clock.ns += int(dice.choice([0.01, 0.5, 2.0, 20.0]) * 1e9)
        if dice.random() < 0.01:
            self.live()
            self.counts["restarts"] += 1
            self.again = min(5, len(self.sent))
        if self.again:
            raw = self.sent[-5] if len(self.sent) >= 5 else self.sent[0]
            self.again -= 1
        else:
            raw = self._repeat() if self.sent and dice.random() < 0.15 else self._fresh()
        self.sent = [*self.sent[-300:], raw]
        before, said = len(self.orders), len(self.outgoing)
        self.clerk.take(read(Update.de_json(json.loads(json.dumps(raw)), self.bot)))
        while self.work:
            await self.work.pop(0)
        made = self.orders[before:]
        self._learn(said)
        self.judge(raw, made)
        del self.outgoing[:-50]

    def _repeat(self) -> dict[str, Any]:
        raw = dict(self.dice.choice(self.sent))
        if self.dice.random() < 0.3:
            self.last_id += 1
            raw["update_id"] = self.last_id
        return raw

    def _fresh(self) -> dict[str, Any]:
        dice = self.dice
        self.last_id += dice.choice([1, 1, 1, 7])
        if dice.random() < 0.25:
            return self._honest()
        mine = dice.random() < 0.6
        user = OPERATOR if mine else dice.choice([1, 666, OPERATOR + 1])
        chat = user if dice.random() < 0.85 else dice.choice([-100_5, OPERATOR, 666])
        kind = "private" if dice.random() < 0.9 else dice.choice(["group", "supergroup", "channel"])
        who = {"id": user, "is_bot": False, "first_name": "x"}
        message = {
            "message_id": self.last_id, "chat": {"id": chat, "type": kind}, "from": who,
            "date": int(self.clock.ns / 1e9 - dice.choice([0, 0, 0, 5, 59, 61, 3_600, -30])),
            "text": self._words(),
        }  # fmt: skip
        if dice.random() < 0.4:
            data = self._data()
            query = {
                "id": "1", "chat_instance": "1", "from": who, "message": message, "data": data,
            }  # fmt: skip
            return {"update_id": self.last_id, "callback_query": query}
        if dice.random() < 0.04:
            message["forward_origin"] = {"type": "hidden_user", "date": 1, "sender_user_name": "x"}
        field = "message" if dice.random() < 0.93 else "edited_message"
        return {"update_id": self.last_id, field: message}

    def _honest(self) -> dict[str, Any]:
        """Return the operator's own next move: ask, press the newest button, send the code."""
        who = {"id": OPERATOR, "is_bot": False, "first_name": "x"}
        code = pyotp.TOTP(SECRET).at(int(self.clock.ns / 1e9))
        if self.codes_used and self.dice.random() < 0.3:
            code = list(self.codes_used)[-1]
        text = code if self.totp and self.clock.ns - self.pressed_ns < 60e9 else "/resume"
        message = {
            "message_id": self.last_id, "chat": {"id": OPERATOR, "type": "private"}, "from": who,
            "date": int(self.clock.ns / 1e9), "text": text,
        }  # fmt: skip
        if not self.nonces or text == code or self.dice.random() < 0.5:
            return {"update_id": self.last_id, "message": message}
        data = "y:" + list(self.nonces)[-1]
        query = {"id": "1", "chat_instance": "1", "from": who, "message": message, "data": data}
        return {"update_id": self.last_id, "callback_query": query}

    def _words(self) -> str:
        if self.totp and self.dice.random() < 0.25:
            return pyotp.TOTP(SECRET).at(
                int(self.clock.ns / 1e9) + self.dice.choice([0, 0, 30, 90])
            )
        return self.dice.choice(WORDS)

    def _data(self) -> str:
        if self.nonces and self.dice.random() < 0.6:
            return self.dice.choice("yyyn") + ":" + self.dice.choice(list(self.nonces))
        if self.spent and self.dice.random() < 0.5:
            return "y:" + self.dice.choice(list(self.spent))
        return self.dice.choice(
            ["y:", "y:forged", "a:", "d:resume", "d:panic", "d:status", "x", "n:"]
        )

    def _learn(self, said: int) -> None:
        for answer in self.outgoing[said:]:
            for _label, data in answer.buttons:
                if data.startswith("y:"):
                    self.nonces[data[2:]] = (answer.text, self.clock.ns)

    # ------------------------------------------------------------ the oracle

    def judge(self, raw: dict[str, Any], made: list[tuple[str, dict[str, str], str]]) -> None:
        """Hold what was ordered against the rules of the chat."""
        number = raw["update_id"]
        real = [each for each in made if not each[2].endswith("q")]
        query, message = raw.get("callback_query"), raw.get("message")
        body = query or message or raw["edited_message"]
        chat = (query["message"] if query else body)["chat"]
        ours = body["from"]["id"] == chat["id"] == OPERATOR and chat["type"] == "private"
        if ours and number in self.taken:
            assert made == [], "a repeated update had an effect"
        self.counts["updates"] += 1
        self.counts["effects"] += len(real)
        if not made:
            self._note(raw, ours=ours)
            return
        assert ours, f"somebody else ordered {made}"
        assert len(real) <= 1
        if query is not None:
            self._judge_press(query["data"], real)
        else:
            self._judge_words(message, real)
        self._note(raw, ours=ours)

    def _judge_press(self, data: str, real: list[tuple[str, dict[str, str], str]]) -> None:
        assert not self.totp, "a button alone raised risk, though a code is configured"
        kind, _, nonce = data.partition(":")
        assert kind == "y"
        assert nonce in self.nonces, "a button worked that was not offered in this life"
        _text, born_ns = self.nonces[nonce]
        assert nonce not in self.spent, "a button worked twice"
        assert self.clock.ns - born_ns <= 60e9, "a button worked after its time"
        self.counts["raised by button"] += len(real)

    def _judge_words(
        self, message: dict[str, Any] | None, real: list[tuple[str, dict[str, str], str]]
    ) -> None:
        assert message is not None, "an edited message ordered something"
        assert "forward_origin" not in message, "a forwarded message ordered something"
        assert self.clock.ns / 1e9 - message["date"] <= 61, "an old command had an effect"
        for name, args, _key in real:
            text = message["text"].strip()
            if text.isdigit():
                assert self.totp
                again_s = (self.clock.ns - self.codes_used.get(text, 0)) / 1e9
                assert again_s > CODE_LIFE_S, "a code worked twice"
                assert self.clock.ns - self.pressed_ns <= 60e9
                self.codes_used.pop(text, None)
                self.codes_used[text] = self.clock.ns
                self.counts["raised by code"] += 1
                continue
            command = text.lower().split()[0].split("@")[0]
            assert command in DOWN, f"{text!r} ordered {name}"
            assert name not in RAISING
            if name == "mode":
                assert args["mode"] in ("panic", "graceful_stop")
            self.counts["lowered"] += 1

    def _note(self, raw: dict[str, Any], *, ours: bool) -> None:
        if not ours:
            return
        first = raw["update_id"] not in self.taken
        self.taken.add(raw["update_id"])
        data = raw.get("callback_query", {}).get("data", "")
        if first and data[:2] in ("y:", "n:"):
            known = self.nonces.get(data[2:])
            if data[:2] == "y:" and known and self.clock.ns - known[1] <= 60e9:
                self.pressed_ns = self.clock.ns
            self.spent[data[2:]] = None


async def run(updates: int, seed: int) -> Counter[str]:
    """Send `updates`, half of them to a chat with an authenticator."""
    counts: Counter[str] = Counter()
    for totp in (False, True):
        fuzz = Fuzz(seed, totp=totp)
        for _ in range(updates // 2):
            await fuzz.step()
        counts += fuzz.counts
    return counts
