"""What the page needs to know before it opens."""

from pathlib import Path

import msgspec


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
        """The address for a browser on this machine."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"
