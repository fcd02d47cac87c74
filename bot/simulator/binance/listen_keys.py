"""Listen keys: the right to hear an account's user stream, valid for 60 minutes at a time."""

from hashlib import sha256
from typing import Final

import msgspec

from bot.domain.units import NS_PER_MIN
from bot.simulator.inputs import InputLog, ListenKeySet

VALID_NS: Final = 60 * NS_PER_MIN


class ListenKey(msgspec.Struct):
    """One key and the instant (UTC ns) it ends."""

    text: str
    account_id: str
    expires_ns: int


class ListenKeys:
    """The keys in force, at most one for each account."""

    def __init__(self, seed: int, log: InputLog) -> None:
        self._seed = seed
        self._log = log
        self._count = 0
        self._by_account: dict[str, ListenKey] = {}

    def open(self, account_id: str, now_ns: int) -> str:
        """Return the account's key, new or prolonged."""
        found = self._by_account.get(account_id)
        if found is None:
            self._count += 1
            text = sha256(f"{self._seed}:{account_id}:{now_ns}:{self._count}".encode()).hexdigest()
            found = self._by_account[account_id] = ListenKey(text, account_id, 0)
        found.expires_ns = now_ns + VALID_NS
        self._log.add(ListenKeySet(account_id, found.text, found.expires_ns))
        return found.text

    def put_back(self, entry: ListenKeySet) -> None:
        """Let a key be opened, prolonged or ended as it was before."""
        if entry.text:
            key = ListenKey(entry.text, entry.account_id, entry.expires_ns)
            self._by_account[entry.account_id] = key
        else:
            self._by_account.pop(entry.account_id, None)

    def renew(self, account_id: str, now_ns: int) -> str | None:
        """Prolong the account's key; None when it has none."""
        return self.open(account_id, now_ns) if account_id in self._by_account else None

    def close(self, account_id: str) -> None:
        """End the account's key."""
        if self._by_account.pop(account_id, None) is not None:
            self._log.add(ListenKeySet(account_id, "", 0))

    def owner(self, text: str, now_ns: int) -> str | None:
        """Return the account a valid key belongs to."""
        for key in self._by_account.values():
            if key.text == text and key.expires_ns > now_ns:
                return key.account_id
        return None

    def take_expired(self, now_ns: int) -> list[ListenKey]:
        """Remove and return the keys that nobody renewed."""
        gone = [key for key in self._by_account.values() if key.expires_ns <= now_ns]
        for key in gone:
            self.close(key.account_id)
        return gone

    def expire(self, account_id: str) -> None:
        """Let the account's key end now, as if nobody had renewed it."""
        found = self._by_account.get(account_id)
        if found is not None:
            found.expires_ns = 0

    def to_list(self) -> list[ListenKey]:
        """Return everything, for saving."""
        return list(self._by_account.values())

    def load(self, keys: list[ListenKey]) -> None:
        """Take everything back."""
        self._by_account = {key.account_id: key for key in keys}
