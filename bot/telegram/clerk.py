"""The clerk: hears the operator and nobody else, once each, and does what was said."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec
from loguru import logger

from bot.domain.errors import BotError
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Alert, Clock, House
from bot.telegram.commands import QUERIES, Local, Meant, Order, Query, Told, Unclear, helped, meant
from bot.telegram.config import ChatConfig
from bot.telegram.confirm import Codes, Confirmations, Wish
from bot.telegram.incoming import Incoming, Verdict, judge
from bot.telegram.outgoing import Button, Outgoing
from bot.telegram.record import Record
from bot.telegram.roster import Account, Roster, split
from bot.telegram.strangers import Strangers
from bot.telegram.texts.said import Said, cut

ANSWER_DEADLINE_S = 15.0
ASKED_MAX = 8
DATA_MAX = 64
CAPTION_MAX = 1_000
MUTE_DEFAULT_MIN, MUTE_MAX_MIN = 60.0, 1_440.0
OVERTAKEN = "Nothing was done: an order that lowers risk came meanwhile, and it goes first."
NO_ANSWER = "No answer in time; it may still happen. Next: /status."
CODE = re.compile(r"\bcode ([0-9a-f]{6})\b")
DIGITS = re.compile(r"\d{6}")

Draw = Callable[[str, dict[str, object]], Awaitable[bytes]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class OpenLike(Protocol):
    """An alert that waits for a word."""

    @property
    def alert(self) -> Alert:
        """The alert."""
        ...


class AlertDoor(Protocol):
    """What the chat may do about alerts."""

    def acknowledge(self) -> Sequence[OpenLike]:
        """Close every open alert and return them."""
        ...

    def mute(self, minutes: float) -> int:
        """Take the sound from what is not critical; return until when, 0: not muted."""
        ...


class Desk(msgspec.Struct, kw_only=True):
    """What the clerk works with."""

    house: House
    """Through which people are told something."""
    roster: Roster
    alerts: AlertDoor
    draw: Draw
    put: Callable[[Outgoing], None]
    spawn: Spawn
    clock: Clock


class Clerk:
    """Takes updates in order; what takes time is done beside, so that a panic never queues."""

    def __init__(self, config: ChatConfig, desk: Desk, record: Record, username: str = "") -> None:
        self._config = config
        self._desk = desk
        self._record = record
        self._username = username
        self._strangers = Strangers()
        self._wishes = Confirmations(config.confirm_s)
        self._codes = Codes(config.totp_secret) if config.totp_secret else None
        self._asked = 0
        self._operator = f"telegram:{config.user_id}"

    def take(self, incoming: Incoming) -> None:
        """Take one update: judge, note, act. Waits for nothing, never raises."""
        now_ns = self._desk.clock.now_ns()
        if judge(incoming, self._config.user_id, self._config.chat_id) is not Verdict.OPERATOR:
            told = self._strangers.words(incoming, now_ns)
            if told:
                self._desk.house.say(Severity.WARNING, "telegram_stranger", told)
            return
        if self._record.knows(incoming.update_id):
            return
        self._record.note(incoming.update_id)
        if incoming.data:
            self._desk.spawn(self._safely(self._pressed(incoming), incoming))
        elif incoming.text.strip():
            age_s = (now_ns - (incoming.sent_ns or 0)) / NS_PER_S
            if age_s > self._config.command_age_max_s:
                word = incoming.text.split()[0][:30]
                self._say(
                    f"Not done: {word} was written {age_s:.0f} s ago, and commands hold "
                    f"{self._config.command_age_max_s:.0f} s. Send it again if you still want it."
                )
                return
            self._desk.spawn(self._safely(self._typed(incoming), incoming))

    async def _safely(self, work: Coroutine[Any, Any, None], incoming: Incoming) -> None:
        try:
            await work
        except Unclear as error:
            self._say(str(error))
        except TimeoutError:
            self._say(NO_ANSWER, kept=True)
        except BotError as error:
            self._say(f"That did not work: {error}")
        except Exception:
            logger.exception("telegram: update {} failed", incoming.update_id)
            self._say("That failed; the log tells more. Next: /status.")
        finally:
            await self._record.keep()

    # ------------------------------------------------------------- what was said

    async def _typed(self, incoming: Incoming) -> None:
        text = incoming.text.strip()
        now_ns = self._desk.clock.now_ns()
        if DIGITS.fullmatch(text) and self._wishes.coded(now_ns) is not None:
            await self._coded(text, incoming.update_id)
            return
        (what, args, account), *others = self._meant(text)
        if others and isinstance(what, Wish | Told):
            raise Unclear("What raises risk is asked for one account at a time: add @NAME.")
        for also, more, other in () if isinstance(what, Local) else others:
            work = self._do(also, more, incoming.update_id, other)
            self._desk.spawn(self._safely(work, incoming))
        await self._do(what, args, incoming.update_id, account)

    def _meant(self, text: str) -> list[tuple[Meant, dict[str, str], Account]]:
        """Return what a message means to each account it is for.

        Raises:
            Unclear: it means nothing to any of them.
        """
        text, name = split(text)
        found, unclear = [], []
        for account in self._desk.roster.meant(text, name):
            try:
                found.append((*meant(text, self._username, account.symbols()), account))
            except Unclear as error:  # another account may know the contract
                unclear.append(error)
        if not found:
            raise unclear[0]
        return found

    async def _do(self, what: Meant, args: dict[str, str], number: int, account: Account) -> None:
        match what:
            case Query():
                await self._answer(what, args, account, detail=False)
            case Order():
                self._wishes.forget()
                await self._order(what.name, what.args, number, account)
            case Wish():
                await self._confirm(msgspec.structs.replace(what, account=account.name))
            case Told():
                await self._tell(what, number, account)
            case Local():
                self._local(what)

    async def _pressed(self, incoming: Incoming) -> None:
        kind, _, rest = incoming.data.partition(":")
        bare = incoming.message_id if kind in ("y", "n", "a") else 0
        self._desk.put(Outgoing(query_id=incoming.query_id, bare_message_id=bare))
        if kind == "y":
            await self._confirmed(rest, incoming.update_id)
        elif kind == "n":
            self._wishes.press(rest, self._desk.clock.now_ns())
            self._say("Nothing was done.")
        elif kind == "a":
            self._local(Local("ack"))
        elif kind == "d":
            text, name = split("/" + rest)
            account = self._desk.roster.find(name)
            what, args = meant(text, self._username, account.symbols())
            if isinstance(what, Query):
                await self._answer(what, args, account, detail=not what.picture)

    # ------------------------------------------------------------- questions

    async def _answer(
        self, query: Query, args: dict[str, str], account: Account, *, detail: bool
    ) -> None:
        if self._asked >= ASKED_MAX:
            self._say("Too many questions at once; ask again in a moment.")
            return
        self._asked += 1
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                found = await account.ask(query.answer, args)
            document = msgspec.to_builtins(found)
            said, label = query.say(document, self._config.zone), self._desk.roster.label(account)
            if query.picture:
                await self._picture(query.picture, document, Said(label + said.short))
                return
            self._say(
                label + (said.detail if detail and said.detail else said.short),
                self._more(query, args, said, account, detail=detail),
            )
        finally:
            self._asked -= 1

    def _more(
        self, query: Query, args: dict[str, str], said: Said, account: Account, *, detail: bool
    ) -> tuple[Button, ...]:
        name = next(name for name, known in QUERIES.items() if known is query)
        whose = f"@{account.name}" if self._desk.roster.label(account) else ""
        data = " ".join(f"d:{name} {args.get(query.takes, '')} {whose}".split())
        if detail or not said.detail or len(data.encode()) > DATA_MAX:
            return ()
        return (("Detail", data),)

    async def _picture(self, kind: str, document: dict[str, object], said: Said) -> None:
        try:
            photo = await self._desk.draw(kind, document)
        except BotError as error:
            self._say(f"{said.short}\n(no picture: {error})")
            return
        self._desk.put(Outgoing(text=cut(said.short, CAPTION_MAX), photo=photo))

    # ------------------------------------------------------------- orders

    async def _order(self, name: str, args: dict[str, str], number: int, account: Account) -> None:
        label = self._desk.roster.label(account)
        try:
            answer = await account.house.order(
                name, args, operator=self._operator, key=f"tg{number}"
            )
        except TimeoutError:
            self._say(f"{label}{NO_ANSWER}", kept=True)
            return
        head = label + ("" if answer.accepted else "Refused: ")
        follow = {"pause": "Next: /resume when you want new risk again."}.get(name, "")
        more = "Next: /positions shows it done." if "reducing " in answer.text else follow
        self._say(f"{head}{answer.text}\n{more}".strip(), kept=True)

    async def _tell(self, what: Told, number: int, account: Account) -> None:
        """Ask the kernel what a command means; with the code it tells, the button is offered."""
        answer = await account.house.order(
            what.name, {}, operator=self._operator, key=f"tg{number}q"
        )
        found = CODE.search(answer.text)
        if found is None:
            self._say(answer.text)
            return
        told = answer.text[: found.start()].rsplit(". ", 1)[0]
        said = f"{what.said}. {told}"
        await self._confirm(Wish(what.name, {"code": found[1]}, said, account.name))

    async def _confirm(self, wish: Wish) -> None:
        if not await self._record.keep():
            self._say(
                "Not possible now: the disk does not take what was said, so nothing could make "
                "sure that it happens only once. What lowers risk still works."
            )
            return
        nonce = self._wishes.ask(wish, self._desk.clock.now_ns())
        label = self._desk.roster.label(self._desk.roster.find(wish.account))
        held_s = self._config.confirm_s
        self._say(
            f"{label}This raises risk: {wish.said}. The button holds {held_s:.0f} s.",
            (("Yes, do it", f"y:{nonce}"), ("No", f"n:{nonce}")),
        )

    async def _confirmed(self, nonce: str, number: int) -> None:
        now_ns = self._desk.clock.now_ns()
        wish, downs = self._wishes.press(nonce, now_ns), self._wishes.forgotten
        if wish is None:
            self._say("This button is over: it works once, for a short while. Nothing was done.")
        elif not await self._record.keep():
            self._say("Nothing was done: the disk does not take what was said.")
        elif downs != self._wishes.forgotten:
            self._say(OVERTAKEN)
        elif self._codes is None:
            await self._wished(wish, number)
        elif self._codes.locked(now_ns):
            self._say("Too many wrong codes: nothing that raises risk for five minutes.")
        else:
            self._wishes.await_code(wish, now_ns)
            self._say("Now send the 6 digits of your authenticator.")

    async def _coded(self, code: str, number: int) -> None:
        now_ns = self._desk.clock.now_ns()
        wish = self._wishes.coded(now_ns)
        if self._codes is None or wish is None or self._codes.locked(now_ns):
            self._say("No code is awaited. Nothing was done.")
            return
        step = self._codes.step_of(code, now_ns, self._record.code_step)
        if step is None:
            self._wrong_code(now_ns)
            return
        self._wishes.forget_coded()
        downs = self._wishes.forgotten
        if not await self._record.use_code(step):
            self._say("Nothing was done: the disk does not take the used code.")
            return
        if downs != self._wishes.forgotten:
            self._say(OVERTAKEN)
            return
        await self._wished(wish, number)

    async def _wished(self, wish: Wish, number: int) -> None:
        account = self._desk.roster.find(wish.account)
        await self._order(wish.name, wish.args, number, account)

    def _wrong_code(self, now_ns: int) -> None:
        self._say("Wrong code, or used before. Nothing was done.")
        if self._codes is not None and self._codes.locked(now_ns):
            self._wishes.forget_coded()
            text = "Several wrong codes came from your own chat; raising risk is locked for 5 min."
            self._desk.house.say(Severity.CRITICAL, "telegram_totp", text)

    # ------------------------------------------------------------- between the two of us

    def _local(self, what: Local) -> None:
        if what.name == "ack":
            closed = self._desk.alerts.acknowledge()
            names = ", ".join(each.alert.kind.replace("_", " ") for each in closed)
            self._say(f"Acknowledged: {names}." if names else "No alert waits for you.")
        elif what.name == "mute":
            self._mute(what.words)
        else:
            self._say(helped())

    def _mute(self, words: tuple[str, ...]) -> None:
        word = words[0].lower() if words else f"{MUTE_DEFAULT_MIN:g}"
        minutes = 0.0 if word == "off" else float(word) if word.isdigit() else -1.0
        if not 0.0 <= minutes <= MUTE_MAX_MIN:
            raise Unclear(f"/mute 60 is an hour, /mute off ends it; at most {MUTE_MAX_MIN:g}.")
        self._desk.alerts.mute(minutes)
        self._say(
            f"No sound for {minutes:g} minutes, but for CRITICAL. /mute off ends it."
            if minutes
            else "Sound is on."
        )

    def _say(self, text: str, buttons: tuple[Button, ...] = (), *, kept: bool = False) -> None:
        self._desk.put(Outgoing(text=cut(text), buttons=buttons, kept=kept))
