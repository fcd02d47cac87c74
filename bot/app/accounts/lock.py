"""One daemon, one account: whoever drives an account on this machine holds a name for it."""

import hashlib
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from bot.domain.errors import StateLocked

NAME_CHARS = 32


@contextmanager
def hold_account(mode: str, api_key: str) -> Iterator[None]:
    """Hold the account of a key while inside; the system lets go of it when the holder dies.

    The name lies in Linux's abstract socket namespace: no file is left behind, and nothing is
    ever said over it. Daemons in other network namespaces or on other machines are not seen.

    Raises:
        StateLocked: another daemon drives this account, whatever its state directory.
    """
    digest = hashlib.sha256(f"{mode}\0{api_key}".encode()).hexdigest()[:NAME_CHARS]
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as held:
        try:
            held.bind(f"\0breakwater-account-{digest}")
        except OSError:
            raise StateLocked(
                f"another breakwater on this machine drives the {mode} account of this API key: "
                "stop it first, or watch beside it with --read-only"
            ) from None
        yield
