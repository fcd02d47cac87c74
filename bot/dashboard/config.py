"""What the page needs to know before it opens."""

from pathlib import Path

import msgspec

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - named, not listened on
"""An address to listen on that nobody can type, and where it is reached from this machine."""


def url_of(address: str, port: int, hosts: tuple[str, ...] = ()) -> str:
    """Return what a browser is told: a name of `hosts` where the page listens on every address."""
    host = hosts[0] if address in EVERYWHERE and hosts else EVERYWHERE.get(address, address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class PageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page listens and what it shows; built from config/dashboard.toml."""

    address: str
    port: int
    hosts: tuple[str, ...] = ()
    """Names besides loopback by which browsers may call it, without port."""
    time_zone: str = "UTC"
    reports: Path
    """Folder of stored reports."""
    token: str
    """What a person types to come in."""
    token_at: str = ""
    """Where a person finds the token, in words."""

    @property
    def url(self) -> str:
        """The address for a browser."""
        return url_of(self.address, self.port, self.hosts)
