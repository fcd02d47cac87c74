"""TLS before a PostgreSQL server, as its protocol asks for it: the embedded build has none.

`with TlsFront(port, folder) as front:` listens on 127.0.0.2, which is no loopback by name: whoever
speaks to it must have TLS. `names`: whom its certificate vouches for; `refuses`: it says no to TLS.
"""

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from tests.fakes.embedded import make_certificate

HOST = "127.0.0.2"
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
QUIET_S = 10.0


class TlsFront:
    """Takes the server's side of the handshake, then carries bytes both ways."""

    def __init__(
        self, port: int, folder: Path, *, names: Sequence[str] = (HOST,), refuses: bool = False
    ) -> None:
        certificate, key = make_certificate(names)
        self.ca, key_file = folder / "db-ca.pem", folder / "db-key.pem"
        self.ca.write_bytes(certificate)
        key_file.write_bytes(key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.ca, key_file)
        self._behind, self._refuses = port, refuses
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self.secured = 0
        """Connections that came through the handshake."""
        self.plain: list[bytes] = []
        """What was said without TLS, beyond the request for it."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with closing(raw), suppress(OSError):
            raw.settimeout(QUIET_S)
            first = raw.recv(8)
            if first != SSL_REQUEST or self._refuses:
                raw.sendall(b"N")
                if said := (first if first != SSL_REQUEST else raw.recv(4096)):
                    self.plain.append(said)
                return
            raw.sendall(b"S")
            with closing(self._context.wrap_socket(raw, server_side=True)) as front:
                self.secured += 1
                self._carry(front)

    def _carry(self, front: ssl.SSLSocket) -> None:
        with closing(socket.create_connection(("127.0.0.1", self._behind))) as back:
            front.settimeout(None)
            back.settimeout(None)
            there = threading.Thread(target=_copy, args=(front, back), daemon=True)
            there.start()
            _copy(back, front)
            there.join(QUIET_S)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while part := source.recv(65_536):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
