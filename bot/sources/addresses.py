"""Where the sources are read from unless the owner says otherwise, and what an address must be."""

from typing import Final
from urllib.parse import urlsplit

from bot.domain.errors import ConfigInvalid

FEAR_GREED: Final = "https://api.alternative.me/fng/?limit=10"
EQUITY: Final = "https://fred.stlouisfed.org/graph/fredgraph.csv?id=SP500"
EQUITY_DATE: Final = "observation_date"
EQUITY_CLOSE: Final = "SP500"
COINGLASS: Final = "https://open-api-v4.coinglass.com"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def host_of(url: str, what: str) -> str:
    """Return the host of a configured address.

    Raises:
        ConfigInvalid: it is no https address (http is for this machine alone), or holds a
            password.
    """
    try:
        parsed = urlsplit(url)
        host, stranger, port = parsed.hostname, parsed.username or parsed.password, parsed.port
    except ValueError:
        host, stranger, port = None, None, None
        parsed = urlsplit("")
    del port
    plain = parsed.scheme == "http" and host in LOOPBACK
    printable = url.isascii() and url.isprintable() and " " not in url
    if not host or stranger or not printable or not (parsed.scheme == "https" or plain):
        shown = "***@" + url.rpartition("@")[2] if "@" in url else url
        raise ConfigInvalid(
            f"{what}: was {shown[:80]!r}, needed https://HOST/... without a password in it"
        )
    return host
