"""ccxt's clients with hooks: raw answers, our errors and clock, a receive loop that lives.

The ccxt package stays as it is; these subclasses only override methods meant for it. Requests go
out through ccxt's implicit endpoints (its URLs, its signing, its session), and come back as the
venue's own JSON, because ccxt's unified structures are floats and drop fields.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.domain.units import NS_PER_MS
from bot.ports import Clock
from bot.venue.errors import reply_of
from bot.venue.lean import Exchange, binanceusdm
from bot.venue.tape import Player, Recorder, tape

KEEP_ALIVE_MS: Final = 10_000
"""ccxt's default on Binance, 180 s, leaves a half-open socket unnoticed for nine minutes."""

Sink = Callable[[str, object], None]


class VenueTime:
    """The venue's clock as last measured, one for all clients of a room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ns = 0
        self.measured_at_ns: int | None = None

    def learn(self, offset_ns: int) -> None:
        """Take a measurement of venue clock minus ours."""
        self.offset_ns = offset_ns
        self.measured_at_ns = self._clock.monotonic_ns()

    def age_ns(self) -> int | None:
        """Return how old the measurement is; None without one."""
        if self.measured_at_ns is None:
            return None
        return self._clock.monotonic_ns() - self.measured_at_ns

    def now_ns(self) -> int:
        """Return the venue's time in ns UTC."""
        return self._clock.now_ns() + self.offset_ns


class Hooks(Exchange):  # type: ignore[misc]  # ccxt ships no types
    """One ccxt instance: REST by implicit endpoints, and the private stream's connection.

    Stands in front of a venue's class: `class XWire(Hooks, ccxt's class)`.
    """

    used_weight_header = ""
    """In lower case, where the venue counts for us; empty where it does not."""

    def __init__(
        self, settings: Mapping[str, Any], time: VenueTime, on_used_weight: Callable[[int], None]
    ) -> None:
        super().__init__({**settings, "streaming": {"keepAlive": KEEP_ALIVE_MS}})
        self.timeout_on_exit = 0
        self._time = time
        self._on_used_weight = on_used_weight
        self._tape = tape()
        self._sinks: dict[str, Sink] = {}
        self._faults: dict[str, Callable[[Exception], None]] = {}
        logging.getLogger("ccxt").setLevel(logging.WARNING)  # its DEBUG lines carry keys

    # ------------------------------------------------------------------ REST hooks

    def nonce(self) -> int:
        """Return the timestamp to sign with, in the venue's milliseconds."""
        return self._time.now_ns() // NS_PER_MS

    def on_rest_response(self, *answer: Any) -> str:  # noqa: ANN401  (ccxt's untyped hook)
        """Pass the venue's weight count on before the body is read."""
        headers, body = answer[4], answer[5]
        if isinstance(self._tape, Recorder):
            self._tape.answered(answer[3], answer[2], answer[7], answer[0], str(body))
        for name, value in headers.items():
            if name.lower() == self.used_weight_header and value.isdigit():
                self._on_used_weight(int(value))
        return str(body).strip()

    async def fetch(
        self, url: str, method: str = "GET", headers: object = None, body: object = None
    ) -> object:
        """Send a request as ccxt does, or answer it from the tape that is played."""
        if not isinstance(self._tape, Player):
            return await super().fetch(url, method, headers, body)
        status, told = self._tape.answer(method, url, body)
        text = self.on_rest_response(status, "", url, method, {}, told, headers, body)
        found = self.parse_json(text)
        self.handle_errors(status, "", url, method, {}, text, found, headers, body)
        return text if found is None else found

    def handle_errors(self, *answer: Any) -> None:  # noqa: ANN401  (ccxt's untyped hook)
        """Raise VenueReply for anything but a success; ccxt's own classes go by the URL."""
        status, headers, text, body = answer[0], answer[4], answer[5], answer[6]
        reply = reply_of(status, headers, text, body)
        if reply is not None:
            raise reply

    # ------------------------------------------------------------------ private stream

    def attach(
        self, url: str, sink: Sink, on_fault: Callable[[Exception], None]
    ) -> tuple[Any, Any]:
        """Dial `url`; return ccxt's futures of the connection and of its end.

        Every message goes to `sink` as it arrives; what breaks while reading goes to `on_fault`.
        """
        self._sinks[url], self._faults[url] = sink, on_fault
        ended = self.watch(url, "ended", None, "ended")
        return self.clients[url].connected, ended

    async def say(self, url: str, message: Mapping[str, object]) -> None:
        """Send a message on the connection at `url`."""
        await self.clients[url].send(dict(message))

    async def detach(self, url: str) -> None:
        """Close the connection at `url`; futures that ccxt cancels with it are ours alone."""
        self._sinks.pop(url, None)
        self._faults.pop(url, None)
        client = self.clients.pop(url, None)
        if client is not None:
            await client.close()

    def client(self, url: str) -> Any:  # noqa: ANN401  (ccxt's untyped client)
        """Return ccxt's connection object with a receive loop that a bad frame cannot kill."""
        known = url in (self.clients or {})
        client = super().client(url)
        if not known:
            read_frame = client.handle_message

            def guarded(message: object) -> None:
                try:
                    read_frame(message)
                except Exception as fault:  # noqa: BLE001  (an escape would end ccxt's loop unseen)
                    self._report(url, fault)

            client.handle_message = guarded
        return client

    def handle_message(self, client: Any, message: object) -> None:  # noqa: ANN401
        """Hand every message of the private stream over; nothing is cached or collapsed."""
        sink = self._sinks.get(client.url)
        if sink is not None:
            sink(client.url, message)

    def _report(self, url: str, fault: Exception) -> None:
        on_fault = self._faults.get(url)
        if on_fault is not None:
            on_fault(fault)


class Wire(Hooks, binanceusdm):  # type: ignore[misc]  # ccxt ships no types
    """Binance USD-M."""

    used_weight_header = "x-mbx-used-weight-1m"

    def stream_url(self, listen_key: str) -> str:
        """Return the address of the private stream."""
        return str(self.get_private_ws_url("linear", listen_key))
