"""How much a trade may be: the smallest of all caps, rounded down, or a refusal that says why."""

from bot.kernel.sizing.entry import entry_limit_price as entry_limit_price
from bot.kernel.sizing.entry import is_flat as is_flat
from bot.kernel.sizing.entry import size_intent as size_intent
from bot.kernel.sizing.plan import Sized as Sized
