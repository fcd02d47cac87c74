"""The shape of the tables [alerts] and [telegram]: who is told what, and who may command."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bot.app.config.bounds import Float, Hours, Int, Name, Seconds, Table, Words

Loud = Literal["loud", "silent", "off"]
Level = Literal["INFO", "WARNING", "CRITICAL"]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]
Id = Annotated[Int, Field(ge=0, le=2**52)]


def _zone(name: str) -> str:
    """Refuse a time zone nobody knows."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError("no such time zone; one is spelt like Europe/Berlin") from None
    return name


def _api(url: str) -> str:
    """Refuse a Bot API server that is neither Telegram's nor on this machine."""
    if url not in ("", "https://api.telegram.org") and not url.startswith("http://127.0.0.1:"):
        raise ValueError("only https://api.telegram.org, or a server on http://127.0.0.1:PORT")
    return url.rstrip("/")


class WebhookTable(Table):
    """A signed POST a batch of alerts."""

    enabled: bool = False
    url: Name = "alerts_webhook_url"
    key: Name = "alerts_webhook_key"
    severity: Level = "WARNING"
    after_s: Annotated[Float, Field(ge=0.0, le=86_400.0)] = 0.0


class AppriseTable(Table):
    """Discord, e-mail and others, an address a line of the secret."""

    enabled: bool = False
    urls: Name = "alerts_urls"
    severity: Level = "WARNING"
    after_s: Annotated[Float, Field(ge=0.0, le=86_400.0)] = 0.0


class HeartbeatTable(Table):
    """A dead man's switch outside."""

    enabled: bool = False
    url: Name = "alerts_heartbeat_url"
    every_s: Annotated[Float, Field(ge=5.0, le=3_600.0)] = 60.0
    fail_suffix: Annotated[str, StringConstraints(pattern=r"^(/[a-z]{1,20})?$")] = "/fail"


class AlertsTable(Table):
    """How alerts are carried."""

    time_zone: Annotated[Words, AfterValidator(_zone)] = "UTC"
    quiet_from: TimeOfDay = ""
    quiet_to: TimeOfDay = ""
    escalate_s: Annotated[Float, Field(ge=10.0, le=86_400.0)] = 300.0
    escalate_times: Annotated[Int, Field(ge=0, le=100)] = 6
    no_trades_h: Hours = 24.0
    digest_at: TimeOfDay = ""
    webhook: WebhookTable = WebhookTable()
    apprise: AppriseTable = AppriseTable()
    heartbeat: HeartbeatTable = HeartbeatTable()

    @model_validator(mode="after")
    def _whole_night(self) -> "AlertsTable":
        """Refuse quiet hours with one end."""
        if bool(self.quiet_from) != bool(self.quiet_to):
            raise ValueError(
                "quiet_from and quiet_to belong together: give both, or leave both empty"
            )
        return self


class TelegramTable(Table):
    """The chat: off without a token."""

    token: Name = "telegram_token"  # noqa: S105 - the name of a secret
    totp: Name = "telegram_totp"
    user_id: Id = 0
    chat_id: Id = 0
    """0: the private chat of `user_id`, whose number is the same."""
    severity: Level = "INFO"
    kinds: dict[Name, Loud] = Field(default_factory=dict)
    command_age_max_s: Seconds = 60.0
    confirm_s: Annotated[Float, Field(ge=10.0, le=300.0)] = 60.0
    api: Annotated[str, StringConstraints(max_length=80), AfterValidator(_api)] = ""
