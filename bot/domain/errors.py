"""The tree of failures, by who must answer.

BotError
├─ ConfigInvalid        the operator acts: refuse to start
├─ DataInvalid          a recorded file is unusable: name it and stop
├─ SourceFailed         a source of readings is away or cannot be believed: again, later
├─ ChannelFailed        people were not reached: again, after `retry_after_s`
├─ VenueError
│  ├─ VenueUnreachable  nothing was done: retry with back-off
│  ├─ VenueThrottled    wait `retry_after_s`
│  ├─ VenueRefused      the venue judged and said no (`code`)
│  ├─ OutcomeUnknown    perhaps done: ask by client order id
│  └─ VenueDataInvalid  they speak nonsense: the stream is suspect
├─ JournalBroken        what is not written may not be done
│  └─ Fenced            another process drives this account now: end
├─ StateLocked          another daemon drives this account
└─ InvariantBroken      we are wrong: crash into the restart path
"""


class BotError(Exception):
    """Root of every failure the house raises itself."""


class ConfigInvalid(BotError):
    """Configuration cannot be used; the message names file, key and what to do."""


class DataInvalid(BotError):
    """A recorded data file cannot be used; the message names file, place and what to do."""


class SourceFailed(BotError):
    """A source could not be read or believed; the message names it, the place and what to do.

    `retry_after_s` is the silence it asked for; 0.0: none.
    """

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ChannelFailed(BotError):
    """A way to people did not take what it was given; `retry_after_s`: the silence it asked for."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VenueError(BotError):
    """Anything that went wrong between us and a venue."""


class VenueUnreachable(VenueError):
    """The request certainly had no effect; it may be tried again."""


class VenueThrottled(VenueError):
    """The venue asked for silence for `retry_after_s` seconds; `banned` marks an address ban."""

    def __init__(self, message: str, *, retry_after_s: float, banned: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.banned = banned


class VenueRefused(VenueError):
    """The venue understood and refused; `code` is its own error code as text."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(VenueError):
    """The request may or may not have had its effect."""


class VenueDataInvalid(VenueError):
    """A payload that cannot be believed."""


class JournalBroken(BotError):
    """The journal cannot take or give what it must."""


class Fenced(JournalBroken):
    """The lease on this account is another process's: nothing more may be done here."""


class StateLocked(BotError):
    """Another process holds this state directory or account."""


class InvariantBroken(BotError):
    """A fact the house relies on is false; continuing would be guessing."""
