"""Every command of the chat: what it asks or orders, how it is read, its line of help."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

import msgspec

from bot.telegram.confirm import Wish
from bot.telegram.texts import account, accounts, market, story
from bot.telegram.texts.said import Document, Said

Args = dict[str, str]
Words = list[str]
Known = Sequence[str]
"""Symbols that can be meant."""
AT_ONCE_MODES = ("panic", "graceful_stop")
MODES = ("normal", "graceful_stop", "tp_only", "panic", "manual")


class Unclear(Exception):
    """The words cannot be understood; the message says what to write instead."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question: which answer it asks for, and how that is said."""

    answer: str
    say: Callable[[Document, str], Said]
    line: str
    fixed: Args = {}
    takes: str = ""
    """The argument its first word becomes: symbol, ref, days, limit; empty: none."""
    picture: str = ""


class Order(msgspec.Struct, frozen=True):
    """A command that can only lower risk: it is given at once."""

    name: str
    args: Args


class Told(msgspec.Struct, frozen=True):
    """A command whose code the kernel tells first; the code goes with the confirmation."""

    name: str
    said: str


class Local(msgspec.Struct, frozen=True):
    """Something between the operator and the chat: mute, ack, help."""

    name: str
    words: tuple[str, ...] = ()


Meant = Query | Order | Wish | Told | Local

QUERIES: dict[str, Query] = {
    "status": Query(answer="status", say=account.status, line="mode, money, protection"),
    "positions": Query(
        answer="positions", say=account.positions, line="what is held, with stops", takes="symbol"
    ),
    "risk": Query(answer="risk", say=account.risk, line="what may be lost, what comes next"),
    "liq": Query(
        answer="positions", say=account.liq, line="distance to liquidation", takes="symbol"
    ),
    "funding": Query(answer="funding", say=market.funding, line="cost of holding", takes="symbol"),
    "oi": Query(answer="oi", say=market.oi, line="open interest", takes="symbol"),
    "liquidations": Query(
        answer="liquidations", say=market.liquidations, line="what was forced", takes="symbol"
    ),
    "levels": Query(answer="levels", say=market.levels, line="prices that matter", takes="symbol"),
    "scenarios": Query(
        answer="scenarios", say=market.scenarios, line="where scenarios stand", takes="symbol"
    ),
    "pulse": Query(answer="pulse", say=market.pulse, line="Pulse and Stress", takes="symbol"),
    "threat": Query(answer="pulse", say=market.threat, line="Threat, 1 to 5", takes="symbol"),
    "orders": Query(answer="orders", say=account.orders, line="what may fill", takes="symbol"),
    "trades": Query(answer="trades", say=account.trades, line="what strategies did", takes="limit"),
    "pnl": Query(answer="pnl", say=account.pnl, line="what was earned"),
    "daily": Query(answer="pnl", say=account.periods, line="by day", fixed={"by": "day"}),
    "weekly": Query(answer="pnl", say=account.periods, line="by week", fixed={"by": "week"}),
    "digest": Query(answer="digest", say=account.digest, line="the last 24 hours"),
    "accounts": Query(answer="accounts", say=accounts.accounts, line="all accounts of this bot"),
    "equity": Query(
        answer="equity", say=account.equity, line="the curve", takes="days", picture="equity"
    ),
    "chart": Query(
        answer="chart", say=account.chart, line="price and zones", takes="symbol", picture="chart"
    ),
    "why": Query(answer="why", say=story.why, line="decisions, or the chain of ID", takes="ref"),
    "events": Query(answer="events", say=story.events, line="the newest notices"),
    "strategies": Query(answer="strategies", say=account.strategies, line="what trades"),
    "stress": Query(answer="stress-now", say=account.stress, line="what shocks would leave"),
    "doctor": Query(answer="doctor", say=story.doctor, line="checks, and what to do"),
    "health": Query(answer="health", say=story.health, line="how the process does"),
    "config": Query(answer="config", say=story.config, line="what governs the run"),
    "version": Query(answer="version", say=story.version, line="which program runs"),
    "reload": Query(answer="reload", say=story.reload, line="look into the files again"),
}
ORDER_LINES = {
    "pause": "no new risk",
    "resume": "allow new risk (asks)",
    "reduce": "N [SYMBOL]: close N % at the market",
    "flatten": "[SYMBOL]: close at the market, pause",
    "panic": "close everything now, pause",
    "mode": "SYMBOL SIDE MODE: how a side is guarded",
    "rearm": "a new loss budget (asks)",
    "limits": "looser limits that wait (asks)",
    "mute": "[MINUTES]: no sound but for CRITICAL",
    "ack": "acknowledge alerts",
    "help": "all commands",
}

GROUPS = (
    ("Questions (a contract may follow, as BTC; @NAME asks another account):", tuple(QUERIES)[:-1]),
    ("These lower risk and act at once:", ("pause", "reduce", "flatten", "panic")),
    ("These raise risk and ask back:", ("resume", "rearm", "limits")),
    ("This asks back unless it lowers risk:", ("mode",)),
    ("The chat and the files:", ("mute", "ack", "reload", "help")),
)
LIKENESS = 0.6
"""How much of a word must be right to be recognised; see difflib."""


def helped() -> str:
    """Return all commands in groups, a line each."""
    words = dict(lines())
    told = [
        "\n".join([head, *(f"/{name} - {words[name]}" for name in names)]) for head, names in GROUPS
    ]
    return "\n\n".join(told)


def lines() -> list[tuple[str, str]]:
    """Return (command, line of help) for all."""
    return [*[(name, query.line) for name, query in QUERIES.items()], *ORDER_LINES.items()]


def meant(text: str, username: str, known: Known) -> tuple[Meant, Args]:
    """Return what a message means, and for a question its arguments.

    Raises:
        Unclear: with what to write instead.
    """
    first, *words = text.split()
    name, _, addressed = first.removeprefix("/").partition("@")
    if not first.startswith("/") or (addressed and addressed.lower() != username.lower()):
        raise Unclear(f"Commands begin with a slash. {_like(first)}/help tells all of them.")
    name = name.lower()
    query = QUERIES.get(name)
    if query is not None:
        return query, query.fixed | _args_of(query, words, known)
    reader = READERS.get(name)
    if reader is None:
        said = f"There is no command /{name[:30]}; nothing was done."
        raise Unclear(f"{said} {_like(name)}/help tells all of them.")
    return reader(words, known), {}


def _like(word: str) -> str:
    """Return which command was probably meant; "" when none is near. Nothing is done by it."""
    names: Iterable[str] = [*QUERIES, *ORDER_LINES]
    found = get_close_matches(word.strip("/!.").lower(), names, n=1, cutoff=LIKENESS)
    return f"Did you mean /{found[0]}? " if found else ""


def resolve(word: str, known: Known) -> str:
    """Return the symbol that a word means: BTC, btcusdt or BTC/USDT:USDT.

    Raises:
        Unclear: none of `known`, or more than one.
    """
    wanted = word.upper()
    spelt = {s: {s.upper(), s.split(":", 1)[0].replace("/", ""), s.split("/", 1)[0]} for s in known}
    found = [s for s, spellings in spelt.items() if wanted in spellings]
    if len(found) != 1:
        names = ", ".join(sorted(known)) or "none yet"
        raise Unclear(f"Which contract is {word[:30]}? Known: {names}.")
    return found[0]


def _args_of(query: Query, words: Words, known: Known) -> Args:
    if not query.takes or not words:
        return {}
    word = resolve(words[0], known) if query.takes == "symbol" else words[0][:80]
    return {query.takes: word}


def _pause(_words: Words, _known: Known) -> Meant:
    return Order("pause", {})


def _panic(_words: Words, _known: Known) -> Meant:
    return Order("flatten", {})


def _flatten(words: Words, known: Known) -> Meant:
    return Order("flatten", _symbol(words, known))


def _symbol(words: Words, known: Known) -> Args:
    """Return the symbol named first; nothing, and `all`, mean every one."""
    if not words or words[0].lower() == "all":
        return {}
    return {"symbol": resolve(words[0], known)}


def _reduce(words: Words, known: Known) -> Meant:
    if not words:
        raise Unclear("How much? /reduce 50 closes half of everything, /reduce 25 BTC a quarter.")
    args = {"fraction": f"{_fraction(words[0]):f}"}
    return Order("reduce", args | _symbol(words[1:], known))


def _fraction(word: str) -> Decimal:
    """Return the share that a word means: 50 and 50% are half, 0.5 is half, 1 is unclear."""
    try:
        number = Decimal(word.removesuffix("%"))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or not 0 < number <= 100:
        raise Unclear(f"{word[:20]} is no share. /reduce 50 closes half, /reduce 100 all.")
    if word.endswith("%") or number > 1:
        return number / 100
    if number == 1:
        raise Unclear("1 could be 1 % or all: write /reduce 1% or /reduce 100.")
    return number


def _mode(words: Words, known: Known) -> Meant:
    if len(words) < 3 or words[1].lower() not in ("long", "short") or words[2].lower() not in MODES:
        raise Unclear(f"/mode SYMBOL long|short MODE, where MODE is one of {', '.join(MODES)}.")
    symbol, side, mode = resolve(words[0], known), words[1].lower(), words[2].lower()
    args = {"symbol": symbol, "side": side, "mode": mode}
    if mode == "tp_only":
        args["target"] = _target(words[3:])
    if mode in AT_ONCE_MODES:
        return Order("mode", args)
    return Wish("mode", args, f"guard {symbol} {side} as {mode}")


def _target(words: Words) -> str:
    try:
        price = Decimal(words[0].replace(",", "")) if words else Decimal(0)
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or price <= 0:
        raise Unclear("tp_only needs the price to leave at: /mode BTC long tp_only 82000.")
    return f"{price:f}"


def _resume(_words: Words, _known: Known) -> Meant:
    return Wish("resume", {}, "allow new risk again")


def _rearm(_words: Words, _known: Known) -> Meant:
    return Told("rearm", "begin a new loss budget")


def _limits(_words: Words, _known: Known) -> Meant:
    return Told("limits", "let the looser limits hold")


def _local(name: str) -> Callable[[Words, Known], Meant]:
    return lambda words, _known: Local(name, tuple(words))


READERS: dict[str, Callable[[Words, Known], Meant]] = {
    "pause": _pause,
    "resume": _resume,
    "reduce": _reduce,
    "flatten": _flatten,
    "panic": _panic,
    "mode": _mode,
    "rearm": _rearm,
    "limits": _limits,
    "mute": _local("mute"),
    "ack": _local("ack"),
    "help": _local("help"),
    "start": _local("help"),
}
