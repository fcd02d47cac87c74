"""The chat itself: polls Telegram, hands updates to the clerk, carries answers and alerts."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loguru import logger

from bot.answers import alarm
from bot.domain.errors import ChannelFailed, InvariantBroken
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_MIN
from bot.ports import Alert, Clock, House, Keep
from bot.telegram import api
from bot.telegram.clerk import AlertDoor, Clerk, Desk, Draw
from bot.telegram.config import ChatConfig
from bot.telegram.incoming import read
from bot.telegram.outgoing import Button, Outbox, Outgoing
from bot.telegram.record import Record
from bot.telegram.roster import FIRST, Account, Ask, Others, Roster
from bot.telegram.texts.said import TEXT_MAX, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

PAUSE_S = 1.0
PAUSE_MAX_S = 30.0
CONFLICTS_NS = 5 * NS_PER_MIN
CONFLICTS_TOLD = 2
"""One conflict is what a restart leaves behind; a second one within minutes is somebody else."""
CONFLICT_PAUSE_S = 2.0
"""Short for ever: whoever shares our token must not slow a panic down."""
WANTED = ["message", "callback_query"]


class Chat:
    """A door and a channel in one; implements Door and Channel. Needs the token of a bot."""

    name = "telegram"

    def __init__(
        self,
        config: ChatConfig,
        clock: Clock,
        keep: Keep,
        *,
        ask: Ask,
        symbols: "Callable[[], Sequence[str]]",
        draw: Draw,
        others: Others = dict,
    ) -> None:
        self._config = config
        self._clock = clock
        self._record = Record(keep)
        self._ask = ask
        self._symbols = symbols
        self._draw = draw
        self._others = others
        self._alerts: AlertDoor | None = None
        self._bot: ExtBot[int] | None = None
        self._conflicts: list[int] = []

    def meet(self, alerts: AlertDoor) -> None:
        """Tell the chat where alerts are acknowledged; once, before it runs."""
        self._alerts = alerts

    # ------------------------------------------------------------- Channel

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver alerts as few messages. Raises ChannelFailed."""
        bot = self._bot
        if bot is None:
            raise ChannelFailed("telegram: not connected yet")
        grave = any(each.severity is Severity.CRITICAL for each in alerts)
        buttons: tuple[Button, ...] = (
            (("Acknowledge", "a:"), ("Positions", "d:positions")) if grave else ()
        )
        silent = all(each.silent for each in alerts)
        texts = packed([alarm.lines_of(each, self._config.zone) for each in alerts])
        for text in texts:
            markup = api.keyboard(buttons) if text is texts[-1] else None
            await api.told(self._message(bot, text, markup, silent=silent))

    # ------------------------------------------------------------- Sender

    async def deliver(self, answer: Outgoing) -> None:
        """Send one answer; see Sender."""
        bot = self._bot
        if bot is None:
            raise ChannelFailed("telegram: not connected yet")
        chat = self._config.chat_id
        if answer.query_id:
            await api.attempted(bot.answer_callback_query(answer.query_id))
        if answer.bare_message_id:
            await api.attempted(
                bot.edit_message_reply_markup(chat_id=chat, message_id=answer.bare_message_id)
            )
        if answer.photo:
            await api.told(bot.send_photo(chat, answer.photo, caption=answer.text))
        elif answer.text:
            await api.told(
                self._message(bot, answer.text, api.keyboard(answer.buttons), silent=False)
            )

    async def _message(
        self,
        bot: "ExtBot[int]",
        text: str,
        markup: "InlineKeyboardMarkup | None",
        *,
        silent: bool,
    ) -> object:
        return await bot.send_message(
            self._config.chat_id, text, reply_markup=markup, disable_notification=silent
        )

    # ------------------------------------------------------------- Door

    async def run(self, house: House) -> None:
        """Connect, then poll and answer until cancelled.

        Raises:
            ConfigInvalid: Telegram refuses the token.
        """
        bot = api.made(self._config)
        try:
            username = await api.introduced(bot, self._config.chat_id)
            self._bot = bot
            outbox = Outbox(self, self._clock)
            async with asyncio.TaskGroup() as group:
                first = Account(FIRST, house, self._ask, self._symbols)
                desk = Desk(
                    house=house,
                    roster=Roster(first, self._others),
                    alerts=self._met,
                    draw=self._draw,
                    put=outbox.put,
                    spawn=group.create_task,
                    clock=self._clock,
                )
                clerk = Clerk(self._config, desk, self._record, username)
                group.create_task(outbox.run())
                group.create_task(self._poll(bot, clerk, house))
        except BaseExceptionGroup as raised:
            raise _first(raised) from None
        finally:
            self._bot = None
            await api.closed(bot)

    @property
    def _met(self) -> AlertDoor:
        if self._alerts is None:
            raise InvariantBroken("the chat was never told where alerts are acknowledged")
        return self._alerts

    async def _poll(self, bot: "ExtBot[int]", clerk: Clerk, house: House) -> None:
        from telegram.error import Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

        offset, pause_s = 0, PAUSE_S
        while True:
            wait_s = pause_s
            try:
                updates = await bot.get_updates(
                    offset=offset, timeout=int(self._config.poll_s), allowed_updates=WANTED
                )
            except (InvalidToken, Forbidden):
                raise api.refused() from None
            except RetryAfter as error:
                wait_s = max(pause_s, api.seconds(error))
            except Conflict as error:
                self._conflict(house, str(error))
                wait_s = pause_s = CONFLICT_PAUSE_S
            except TelegramError as error:
                logger.info("telegram: no news ({}); again in {:.0f} s", error, pause_s)
            except Exception as error:  # noqa: BLE001 - logged; an update nobody can read
                logger.opt(exception=error).warning("telegram: news that cannot be read")
            else:
                pause_s = PAUSE_S
                for update in updates:
                    offset = update.update_id + 1
                    clerk.take(read(update))
                continue
            await self._clock.sleep_s(wait_s)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)

    def _conflict(self, house: House, said: str) -> None:
        """Tell when somebody else reads messages with our token, again and again."""
        now_ns = self._clock.now_ns()
        self._conflicts = [ns for ns in self._conflicts if now_ns - ns < CONFLICTS_NS]
        self._conflicts.append(now_ns)
        if len(self._conflicts) == CONFLICTS_TOLD:
            text = (
                f"Somebody else reads the bot's messages with our token ({said[:120]}). They could "
                "read commands, not give them. Protection goes on."
            )
            house.say(Severity.CRITICAL, "telegram_conflict", text)


def _first(raised: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended the others."""
    inner = raised.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def packed(texts: Sequence[str]) -> list[str]:
    """Return the texts joined into as few messages as fit."""
    messages: list[str] = []
    for text in (cut(text) for text in texts):
        if messages and len(messages[-1]) + len(text) + 2 <= TEXT_MAX:
            messages[-1] += f"\n\n{text}"
        else:
            messages.append(text)
    return messages
