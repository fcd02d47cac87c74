"""What a decoder may raise on bytes from outside: broken JSON, wrong shape, nesting without end."""

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
