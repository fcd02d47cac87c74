"""One update of Telegram as the clerk needs it, and whether it comes from the operator."""

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from bot.domain.units import NS_PER_S

if TYPE_CHECKING:
    from telegram import Update

TEXT_MAX = 4_096


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A new message or a pressed button; everything else has neither text nor data."""

    update_id: int
    user_id: int | None
    chat_id: int | None
    private: bool
    text: str = ""
    data: str = ""
    query_id: str = ""
    message_id: int = 0
    sent_ns: int | None = None
    """When the message was written, None for buttons: Telegram does not say when they are."""


class Verdict(Enum):
    """Who speaks."""

    OPERATOR = "operator"
    STRANGER = "stranger"


def judge(incoming: Incoming, user_id: int, chat_id: int) -> Verdict:
    """Tell whether an update is the operator's own, in the private chat that is allowed."""
    same = incoming.user_id == user_id and incoming.chat_id == chat_id
    return Verdict.OPERATOR if same and incoming.private else Verdict.STRANGER


def read(update: "Update") -> Incoming:
    """Return what an update says. Edited, forwarded and channel messages say nothing."""
    user, chat = update.effective_user, update.effective_chat
    message, query = update.message, update.callback_query
    text, sent_ns, message_id = "", None, 0
    if message is not None:
        borrowed = message.forward_origin or message.via_bot or message.sender_chat
        text = "" if borrowed else (message.text or "")[:TEXT_MAX]
        sent_ns = int(message.date.timestamp()) * NS_PER_S
    if query is not None and query.message is not None:
        message_id = query.message.message_id
    return Incoming(
        update_id=update.update_id,
        user_id=None if user is None else user.id,
        chat_id=None if chat is None else chat.id,
        private=chat is not None and chat.type == "private",
        text=text,
        data=(query.data or "") if query is not None else "",
        query_id=query.id if query is not None else "",
        message_id=message_id,
        sent_ns=sent_ns,
    )
