"""Silence when the venue asked for it: no request leaves during a ban or a Retry-After."""

from bot.domain.errors import VenueThrottled
from bot.domain.units import NS_PER_S
from bot.ports import Clock


class Breaker:
    """One per address: the venue counts requests by address, whichever client sent them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until_ns = 0
        self._orders_until_ns = 0
        self._banned = False
        self.trips = 0

    def trip(self, error: VenueThrottled, *, orders_only: bool) -> None:
        """Open the circuit for `error.retry_after_s`; a longer silence already agreed stays."""
        until_ns = self._clock.monotonic_ns() + int(error.retry_after_s * NS_PER_S)
        self.trips += 1
        if orders_only:
            self._orders_until_ns = max(self._orders_until_ns, until_ns)
            return
        self._banned = error.banned or (self._banned and self.silence_s(places=False) > 0)
        self._silent_until_ns = max(self._silent_until_ns, until_ns)

    def silence_s(self, *, places: bool) -> float:
        """Return how long still to be silent; `places` asks for a request that sends an order."""
        until_ns = max(self._silent_until_ns, self._orders_until_ns if places else 0)
        return max(0.0, (until_ns - self._clock.monotonic_ns()) / NS_PER_S)

    def check(self, *, places: bool) -> None:
        """Raise VenueThrottled while the venue wants silence; nothing has been sent then."""
        left_s = self.silence_s(places=places)
        if left_s > 0.0:
            banned = self._banned and self.silence_s(places=False) > 0
            why = "address banned" if banned else "venue asked for silence"
            raise VenueThrottled(
                f"{why}: not sent, {left_s:.1f} s left", retry_after_s=left_s, banned=banned
            )
