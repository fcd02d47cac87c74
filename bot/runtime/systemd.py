"""Tells systemd how the service is: ready, alive, status, stopping; silent without a socket."""

import socket


class ServiceManager:
    """Datagrams to $NOTIFY_SOCKET. Nobody listening is no failure of ours."""

    def __init__(self, address: str | None) -> None:
        self._address = ""
        if address:
            self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""

    def ready(self, status: str) -> None:
        """Say that the start is complete."""
        self._status = status
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in one line how things are; the same line is told once."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """Say that the end was asked for."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            try:
                out.sendto(text.encode(), self._address)
            except OSError:
                return  # the manager went away or its queue is full: it will see our silence
