"""The signed webhook: each batch of alerts as JSON that its receiver can check.

Headers: X-Breakwater-Time (seconds), X-Breakwater-Signature (`v1=` and the HMAC-SHA256, in hex, of
time, a dot and the body under the shared key). A receiver refuses what is old or signed otherwise.
"""

import hashlib
import hmac
from collections.abc import Sequence

import aiohttp
import msgspec

from bot.alerts import web
from bot.answers import alarm
from bot.domain.units import NS_PER_S
from bot.ports import Alert, Clock


def signature(key: bytes, time_s: int, body: bytes) -> str:
    """Return the signature of a body sent at `time_s`."""
    return "v1=" + hmac.new(key, b"%d." % time_s + body, hashlib.sha256).hexdigest()


class Webhook:
    """Posts alerts to one address; implements Channel."""

    name = "webhook"

    def __init__(
        self, session: aiohttp.ClientSession, url: str, key: str, clock: Clock, source: str
    ) -> None:
        self._session = session
        self._url = web.checked(url, "of the webhook")
        self._key = key.encode()
        self._clock = clock
        self._source = source

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Post `alerts`. Raises ChannelFailed."""
        rows = [{**msgspec.to_builtins(each), "next": alarm.next_step(each)} for each in alerts]
        body = msgspec.json.encode({"version": 1, "source": self._source, "alerts": rows})
        time_s = self._clock.now_ns() // NS_PER_S
        headers = {
            "Content-Type": "application/json",
            "X-Breakwater-Time": str(time_s),
            "X-Breakwater-Signature": signature(self._key, time_s, body),
        }
        await web.post(self._session, self._url, body, headers)
