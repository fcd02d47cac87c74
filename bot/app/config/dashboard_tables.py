"""The shape of the table [dashboard]: where the page listens, and for whom."""

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from bot.app.config.bounds import Int, Table
from bot.dashboard.config import url_of


def _zone(name: str) -> str:
    """Refuse a time zone that is not known."""
    if name not in available_timezones():
        raise ValueError("not a time zone; for example UTC or Europe/Berlin")
    return name


Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,253}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,45}$")]


class DashboardTable(Table):
    """The web page and its API."""

    enabled: bool = True
    address: Address = "127.0.0.1"
    port: Annotated[Int, Field(ge=1, le=65_535)] = 8080
    hosts: tuple[Host, ...] = ()
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    account_report: Literal["off", "daily", "weekly"] = "weekly"

    @property
    def url(self) -> str | None:
        """The address for a browser; None when the page is switched off."""
        return url_of(self.address, self.port, self.hosts) if self.enabled else None
