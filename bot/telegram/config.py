"""What the chat is told by the composition root."""

import msgspec


class ChatConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who may command, how long words hold, and where the Bot API is; times in seconds."""

    token: str
    user_id: int
    chat_id: int
    totp_secret: str = ""
    """Base32; empty: a confirmation button is enough."""
    command_age_max_s: float = 60.0
    confirm_s: float = 60.0
    api: str = ""
    """Another Bot API server; empty: Telegram's."""
    zone: str = "UTC"
    poll_s: float = 25.0
    """How long one question for news may hang at the server."""
