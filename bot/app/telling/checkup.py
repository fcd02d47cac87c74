"""What `doctor` looks at: one check, one finding, one remedy."""

import asyncio
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from bot.app.config.places import Places
from bot.domain.account import AccountState, MarginMode
from bot.domain.errors import BotError, VenueUnreachable
from bot.ports import Venue

FREE_BYTES_MIN = 200_000_000
SKEW_MS_MAX = 500.0
SQLITE_SAFE = (3, 51, 3)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A finding; `ok` None means it could not be looked at, which is not healthy either way."""

    name: str
    ok: bool | None
    found: str
    remedy: str = ""


def report(checks: Sequence[Check]) -> dict[str, object]:
    """Return the whole checkup as one document; healthy when nothing is wrong."""
    return {
        "healthy": all(check.ok is not False for check in checks),
        "wrong": [check.name for check in checks if check.ok is False],
        "unknown": [check.name for check in checks if check.ok is None],
        "checks": [msgspec.to_builtins(check) for check in checks],
    }


def machine_checks(places: Places) -> list[Check]:
    """Look at Python, SQLite, the state directory and the disk."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return [
        Check(name="python", ok=sys.version_info >= (3, 11), found=version),
        Check(
            name="sqlite",
            ok=True,
            found=sqlite3.sqlite_version
            + ("" if sqlite3.sqlite_version_info >= SQLITE_SAFE else ", used by one connection"),
        ),
        _state_rights(places),
        _disk(places),
    ]


def _state_rights(places: Places) -> Check:
    name = "state directory"
    if not places.state.exists():
        return Check(name=name, ok=None, found=f"{places.state} not made yet: ./run makes it")
    mode = stat.S_IMODE(places.state.stat().st_mode)
    writable = os.access(places.state, os.W_OK | os.X_OK)
    return Check(
        name=name,
        ok=writable and not mode & 0o077,
        found=f"{places.state} mode {mode:04o}{'' if writable else ', not writable'}",
        remedy=f"chmod 700 {places.state}",
    )


def _disk(places: Places) -> Check:
    folder = places.state if places.state.exists() else places.root
    free = shutil.disk_usage(folder).free
    return Check(
        name="disk",
        ok=free >= FREE_BYTES_MIN,
        found=f"{free / 1e6:,.0f} MB free",
        remedy=f"keep {FREE_BYTES_MIN / 1e6:,.0f} MB free: a full journal stops entries",
    )


NETWORK = "check the network and the venue's status page"


async def venue_checks(venue: Venue, symbols: Sequence[str], within_s: float) -> list[Check]:
    """Look at reachability, clock, contracts, account modes and what the key may do.

    All at once, each for `within_s` at most: a venue that is slow, or a full lane of requests,
    is a finding and not a wait.
    """
    looks = (
        ("venue clock", _clock(venue), "check the network, and the clock (NTP)"),
        ("contracts", _contracts(venue, symbols), "correct risk.symbols"),
        ("account", _account(venue), "check the API key, its rights and its IP list"),
        ("key permissions", _permissions(venue), "make a key without withdrawals"),
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bounded(*look, within_s)) for look in looks]
    return [task.result() for task in tasks]


async def bounded(
    name: str, question: Coroutine[Any, Any, Check], remedy: str, within_s: float
) -> Check:
    """Return a finding; one that takes longer than `within_s` could not be looked at."""
    try:
        async with asyncio.timeout(within_s):
            return await question
    except TimeoutError:
        late = f"no answer within {within_s:g} s"
        return Check(name=name, ok=None, found=late, remedy=f"ask again; {NETWORK}")
    except VenueUnreachable as error:
        return Check(name=name, ok=False, found=str(error), remedy=NETWORK)
    except BotError as error:
        return Check(name=name, ok=False, found=str(error), remedy=remedy)


async def _clock(venue: Venue) -> Check:
    skew_ms = await venue.clock_skew_ns() / 1e6
    return Check(
        name="venue clock",
        ok=abs(skew_ms) <= SKEW_MS_MAX,
        found=f"{venue.name} answers, its clock is {skew_ms:+.0f} ms off ours",
        remedy=f"at most {SKEW_MS_MAX:.0f} ms: set this machine's clock by NTP",
    )


async def _contracts(venue: Venue, symbols: Sequence[str]) -> Check:
    found = await venue.instruments(symbols)
    return Check(
        name="contracts",
        ok=len(found) == len(set(symbols)),
        found=", ".join(f"{i.symbol} tick {i.tick} lot {i.lot}" for i in found),
        remedy="correct risk.symbols",
    )


async def _account(venue: Venue) -> Check:
    account = await venue.account()
    words = "hedge mode" if account.hedge_mode else "one-way mode"
    crossed = sorted(
        symbol for symbol, mode in account.margin_modes.items() if mode is MarginMode.CROSS
    )
    if crossed:
        words += f"; cross margin on {', '.join(crossed)}: a loss there can take the whole wallet"
    words += f"; {_settings_of(account)}"
    return Check(
        name="account",
        ok=True,
        found=f"{account.wallet_usd:.2f} USDT, {_held(account)}, {words}",
    )


def _settings_of(account: AccountState) -> str:
    """Return margin mode and leverage as they are really set at the venue."""
    modes = {symbol: mode.value.lower() for symbol, mode in account.margin_modes.items()}
    told = [
        f"{symbol} {modes.get(symbol, 'margin unknown')} {account.leverages.get(symbol, '?')}x"
        for symbol in sorted({*modes, *account.leverages})
    ]
    return ", ".join(told) or "margin modes and leverage unknown"


def _held(account: AccountState) -> str:
    held = [leg for leg in account.positions if not leg.is_flat]
    return f"{len(held)} positions, {len(account.orders)} orders"


async def _permissions(venue: Venue) -> Check:
    rights = await venue.key_permissions()
    words = {True: "yes", False: "no", None: "the venue does not say"}
    silent = rights.can_withdraw is None and rights.can_trade is not False
    unknown = rights.can_withdraw is None or rights.ip_restricted is None
    return Check(
        name="key permissions",
        ok=None
        if unknown
        else not rights.can_withdraw and not rights.can_transfer and rights.ip_restricted,
        found=f"trade: {words[rights.can_trade]}, withdraw: {words[rights.can_withdraw]}, "
        f"transfer: {words[rights.can_transfer]}, "
        f"bound to addresses: {words[rights.ip_restricted]}",
        remedy="nothing on paper and testnets; live, nothing is opened until the venue has said it"
        if silent
        else "make a key that can neither withdraw nor transfer and is bound to this address: "
        "until then nothing is opened",
    )
