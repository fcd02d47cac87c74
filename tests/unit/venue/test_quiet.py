"""Silence, fences and patience: breaker, hosts, back-off."""

import pytest

from bot.domain.errors import ConfigInvalid, VenueThrottled
from bot.venue.backoff import Backoff
from bot.venue.breaker import Breaker
from bot.venue.hosts import Fence


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.ns = 10**18

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    async def sleep_s(self, seconds: float) -> None:
        self.ns += int(seconds * 10**9)


def throttled(seconds: float, *, banned: bool = False) -> VenueThrottled:
    return VenueThrottled("too many", retry_after_s=seconds, banned=banned)


def test_nothing_leaves_during_a_ban_and_everything_after_it() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    breaker.check(places=True)
    breaker.trip(throttled(120.0, banned=True), orders_only=False)
    for places in (True, False):
        with pytest.raises(VenueThrottled) as caught:
            breaker.check(places=places)
        assert caught.value.banned
        assert caught.value.retry_after_s == 120.0
    clock.ns += 120 * 10**9 - 1
    with pytest.raises(VenueThrottled):
        breaker.check(places=False)
    clock.ns += 1
    breaker.check(places=True)


def test_a_shorter_silence_does_not_end_a_longer_one() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    breaker.trip(throttled(100.0, banned=True), orders_only=False)
    breaker.trip(throttled(1.0), orders_only=False)
    clock.ns += 50 * 10**9
    with pytest.raises(VenueThrottled) as caught:
        breaker.check(places=False)
    assert caught.value.banned


def test_an_order_limit_silences_orders_alone() -> None:
    breaker = Breaker(HandClock())
    breaker.trip(throttled(10.0), orders_only=True)
    breaker.check(places=False)
    with pytest.raises(VenueThrottled):
        breaker.check(places=True)


def test_a_configured_address_outside_the_fence_is_a_configuration_error() -> None:
    with pytest.raises(ConfigInvalid, match=r"127\.0\.0\.1"):
        Fence("paper").check_configured("http://10.0.0.1:9000")


def test_patience_grows_to_its_cap_and_replays_alike() -> None:
    first, second = Backoff(), Backoff()
    delays = [first.next_s() for _ in range(20)]
    assert delays == [second.next_s() for _ in range(20)]
    steps = [min(30.0, 0.5 * 2**i) for i in range(20)]
    assert all(step / 2 <= delay <= step for step, delay in zip(steps, delays, strict=True))
    first.reset()
    assert first.next_s() <= 0.5
