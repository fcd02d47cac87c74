"""Who else writes to the bot: nothing for them, a word to the operator, not too often."""

from bot.domain.units import NS_PER_H
from bot.telegram.incoming import Incoming

KNOWN_MAX = 20


class Strangers:
    """Tells of each stranger at most once an hour; a crowd is told as one."""

    def __init__(self) -> None:
        self._told: dict[int | None, int] = {}
        self.updates = 0

    def words(self, incoming: Incoming, now_ns: int) -> str:
        """Return what to tell the operator about this update; "" when it was told already."""
        self.updates += 1
        self._told = {who: ns for who, ns in self._told.items() if now_ns - ns < NS_PER_H}
        who = incoming.user_id
        if who in self._told or len(self._told) > KNOWN_MAX:
            return ""
        self._told[who] = now_ns
        if len(self._told) > KNOWN_MAX:
            return f"More than {KNOWN_MAX} strangers wrote within an hour; no more are told."
        where = "in private" if incoming.private else "in a group or channel"
        return (
            f"User {who} wrote to the bot {where} (chat {incoming.chat_id}). Nothing was answered "
            "and nothing was done."
        )
