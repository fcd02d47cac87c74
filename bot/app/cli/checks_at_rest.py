"""What `doctor` can see while no daemon runs: configuration, strategies, keys, journal, venue."""

from bot.app.cli.home import Home
from bot.app.telling.checkup import Check, bounded, venue_checks
from bot.domain.errors import BotError

VENUE_S = 10.0
"""A first read of a venue's contracts can take so long on a slow line."""


async def at_rest(home: Home) -> list[Check]:
    """Return the checks of a bot at rest."""
    checks = [
        Check(name="configuration", ok=True, found=f"valid: {home.places.config}"),
        _strategies(home),
        _journal(home),
        *_dropped(),
    ]
    if home.settings.breakwater.mode == "paper":
        paper = "the embedded venue starts with ./run; no key is needed"
        return [*checks, Check(name="venue", ok=True, found=paper)]
    return [*checks, *await _venue(home)]


def _strategies(home: Home) -> Check:
    from bot.app.trying.discover import find_strategies

    table = home.settings.strategies
    try:
        params = {name: dict(values) for name, values in table.params.items()}
        found = find_strategies(home.places.strategies, table.enabled, params)
    except BotError as error:
        return Check(name="strategies", ok=False, found=str(error), remedy="see docs/strategies.md")
    names = ", ".join(strategy.name for strategy in found) or "none: guard only"
    return Check(name="strategies", ok=True, found=names)


def _journal(home: Home) -> Check:
    from bot.app.config.server import server_of
    from bot.journal import care, postgres

    server = server_of(home.settings, home.places)
    if server is None and not home.places.journal.exists():
        return Check(name="database", ok=None, found="none yet: the first run makes it")
    try:
        seen = care.check(home.places.journal) if server is None else postgres.check(server)
    except BotError as error:
        return Check(name="database", ok=False, found=str(error), remedy="see docs/runbook.md")
    return Check(
        name="database",
        ok=bool(seen["ok"]),
        found=f"{seen['path']}, schema {seen['schema']}, {seen['problems'] or 'whole'}",
        remedy="restore a backup: docs/runbook.md",
    )


def _dropped() -> list[Check]:
    """Read what lies in the drop-in folder, when something does."""
    from bot.app.cli.dropped import checked

    try:
        found = checked()
    except BotError as error:
        return [Check(name="dropped files", ok=False, found=str(error), remedy="docs/sources.md")]
    if not found["files"]:
        return []
    told = f"{', '.join(found['files'])}: {found['told']} events told"
    if not found["sound"]:
        told = f"{len(found['faults'])} rows or files left out: {found['faults'][0]}"
    remedy = "breakwater sources --check names every bad row"
    return [Check(name="dropped files", ok=bool(found["sound"]), found=told, remedy=remedy)]


async def _venue(home: Home) -> list[Check]:
    """Open the venue room with the configured key, look, and close it again."""
    from bot.app.accounts.keyed import keyed_config
    from bot.app.clock import SystemClock
    from bot.app.config.policy import policy_of
    from bot.app.trying.first_moves import first_moves
    from bot.domain.exchanges import play_money
    from bot.venue.open import open_room

    table = home.settings.breakwater
    symbols = home.settings.risk.symbols
    try:
        config = keyed_config(home.settings, home.places, read_only=True)
        room = await open_room(config, SystemClock())
    except BotError as error:
        return [Check(name="venue", ok=False, found=str(error), remedy="see docs/runbook.md")]
    policy = policy_of(home.settings, mode=table.mode)
    try:
        found = await venue_checks(room.venue, symbols, VENUE_S)
        if table.mode == "testnet":
            site = play_money(config.exchange, config.site)
            found = [*found, Check(name="play money", ok=True, found=site)]
        if any(check.name == "account" and not check.ok for check in found):
            return found
        moves = first_moves(room.venue, policy, SystemClock())
        return [*found, await bounded("first moves", moves, "see the checks above", VENUE_S)]
    finally:
        await room.close()
