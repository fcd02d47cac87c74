"""What the streams of one venue say of themselves."""

import msgspec


class VenueHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How one venue's market streams are doing; instants in ns UTC, 0 meaning never."""

    venue: str
    live: bool
    reason: str
    """Why it is live or not, in words."""
    liquidations: str
    """What the venue's liquidation stream leaves out, in words."""
    told_ns: dict[str, int]
    """The venue's own time of the newest sign of life, by symbol."""
    silent: tuple[str, ...]
    unlisted: tuple[str, ...]
    """Symbols that this venue does not trade; all of them before its listing was read."""
    connections: int
    frames: int
    frames_per_s: float
    """Over the last seconds; 0.0 while nothing is connected."""
    frame_ns: int
    """When we received the newest frame."""
    junk: int
    gaps: int | None
    """Trades that were missing; None: the venue's trades are not counted through."""
    repeats: int | None
    last_error: str
    """The newest reason for which a stream was down or a frame refused; empty: none so far."""
