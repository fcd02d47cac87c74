"""What one message of a private stream says, whatever the venue."""

import msgspec

from bot.domain.messages import Event


class News(msgspec.Struct, frozen=True):
    """What one message says: events, whether the account must be read anew, whether it is over."""

    events: tuple[Event, ...] = ()
    reread: str = ""
    ended: str = ""
    client_order_id: str = ""
