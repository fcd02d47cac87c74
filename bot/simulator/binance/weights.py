"""How much a client may ask: request weight by address, order counts by account, bans."""

from collections import deque
from typing import Final

import msgspec

from bot.domain.units import NS_PER_MIN, NS_PER_MS, NS_PER_S
from bot.simulator.binance.refusals import Refused

TEN_S: Final = 10 * NS_PER_S


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """Limits as the venue states them; a limited client that keeps asking is banned."""

    weight_per_min: int = 2_400
    orders_per_10s: int = 300
    orders_per_min: int = 1_200
    refused_before_ban: int = 20
    ban_s: float = 120.0


class OrderCount:
    """Orders one account sent within the last minute."""

    __slots__ = ("_sent_ns",)

    def __init__(self) -> None:
        self._sent_ns: deque[int] = deque()

    def add(self, now_ns: int, orders: int) -> None:
        """Count `orders` sent at `now_ns`."""
        self._sent_ns.extend([now_ns] * orders)

    def within(self, now_ns: int) -> tuple[int, int]:
        """Return how many were sent in the last 10 s and in the last minute."""
        while self._sent_ns and self._sent_ns[0] <= now_ns - NS_PER_MIN:
            self._sent_ns.popleft()
        recent = 0
        for sent_ns in reversed(self._sent_ns):
            if sent_ns <= now_ns - TEN_S:
                break
            recent += 1
        return recent, len(self._sent_ns)


class Meter:
    """Weight of one address by calendar minute, and its bans."""

    def __init__(self, quota: Quota, address: str = "127.0.0.1") -> None:
        self._quota = quota
        self._address = address
        self._minute = -1
        self._used = 0
        self._refused = 0
        self._banned_until_ns = 0
        self._counts: dict[str, OrderCount] = {}

    @property
    def used_weight(self) -> int:
        """Weight used in the current minute."""
        return self._used

    def ban(self, now_ns: int, seconds: float) -> None:
        """Ban the address until `seconds` from `now_ns`."""
        self._banned_until_ns = max(self._banned_until_ns, now_ns + int(seconds * NS_PER_S))

    def check_ban(self, now_ns: int) -> None:
        """Refuse everything while banned.

        Raises:
            Refused: 418 with the instant the ban ends.
        """
        if now_ns >= self._banned_until_ns:
            return
        until_ms = self._banned_until_ns // NS_PER_MS
        raise Refused(
            -1003,
            f"Way too many requests; IP({self._address}) banned until {until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            status=418,
            retry_after_s=(self._banned_until_ns - now_ns) / NS_PER_S,
        )

    def spend(self, now_ns: int, weight: int) -> None:
        """Count `weight` against this minute.

        Raises:
            Refused: 429 above the limit, with the seconds to the next minute.
        """
        minute = now_ns // NS_PER_MIN
        if minute != self._minute:
            self._minute, self._used, self._refused = minute, 0, 0
        self._used += weight
        if self._used <= self._quota.weight_per_min:
            return
        self._refused += 1
        if self._refused > self._quota.refused_before_ban:
            self.ban(now_ns, self._quota.ban_s)
            self.check_ban(now_ns)
        raise Refused(
            -1003,
            f"Too many requests; current limit of IP({self._address}) is "
            f"{self._quota.weight_per_min} requests per minute. Please use the websocket "
            "for live updates to avoid polling the API.",
            status=429,
            retry_after_s=((minute + 1) * NS_PER_MIN - now_ns) / NS_PER_S,
        )

    def order_counts(self, account_id: str, now_ns: int) -> tuple[int, int]:
        """Return orders of the account in the last 10 s and minute."""
        return self._counts.setdefault(account_id, OrderCount()).within(now_ns)

    def spend_orders(self, account_id: str, now_ns: int, orders: int) -> None:
        """Count `orders` of an account.

        Raises:
            Refused: -1015 above either limit; the orders are then not counted.
        """
        recent, minute = self.order_counts(account_id, now_ns)
        for count, limit, words in (
            (recent, self._quota.orders_per_10s, "10 SECOND"),
            (minute, self._quota.orders_per_min, "1 MINUTE"),
        ):
            if count + orders > limit:
                raise Refused(
                    -1015, f"Too many new orders; current limit is {limit} orders per {words}."
                )
        self._counts[account_id].add(now_ns, orders)
