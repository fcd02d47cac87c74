"""Puts the embedded venue together: contracts, market path, history, account and key."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bot.domain.errors import ConfigInvalid
from bot.domain.exchanges import Exchange
from bot.domain.instrument import Instrument
from bot.simulator.binance.market_data import History
from bot.simulator.binance.signing import ApiKey
from bot.simulator.contracts import CONTRACTS
from bot.simulator.default_path import NAME as DEFAULT
from bot.simulator.default_path import default_scenario
from bot.simulator.keeper import Path as MarketPath
from bot.simulator.process import VenueAccount, VenueProcessConfig
from bot.simulator.scenario import Scenario, live_path
from bot.simulator.terms import MarketTick
from bot.simulator.venue_file import read_file

ACCOUNT = "paper"
STATE_FILE = "venue.bin"


@dataclass(frozen=True, kw_only=True)
class VenueWish:
    """What was asked of the embedded venue."""

    scenario: str
    symbols: tuple[str, ...]
    speed: float
    seed: int
    wallet_usd: Decimal
    folder: Path
    api_key: str
    api_secret: str
    port: int = 0
    protocol: Exchange = "binance"


def venue_config(wish: VenueWish) -> tuple[VenueProcessConfig, int]:
    """Return the venue that was wished, and the instant of its own time its market begins at.

    Raises:
        ConfigInvalid: no such scenario, or a symbol that the venue or the scenario does not have.
        DataInvalid: a folder of recorded data that cannot be used.
    """
    scenario = scenario_of(wish.scenario, wish.seed)
    kept = read_file(wish.folder / STATE_FILE)
    begins_ns = kept.position.path_ns if kept is not None else scenario.start_ns
    return venue_frame(scenario, wish), begins_ns


def venue_frame(scenario: Scenario, wish: VenueWish) -> VenueProcessConfig:
    """Return a venue that lives through `scenario`.

    Raises:
        ConfigInvalid: a symbol that the venue or the scenario does not have.
    """
    instruments = _contracts(wish.symbols, scenario)
    listed = {instrument.symbol for instrument in instruments}
    return VenueProcessConfig(
        instruments=instruments,
        path=_path(scenario, listed, wish),
        accounts=[VenueAccount(account_id=ACCOUNT, wallet_usd=wish.wallet_usd)],
        keys=[ApiKey(key=wish.api_key, secret=wish.api_secret, account_id=ACCOUNT)],
        history=History(
            start_ns=scenario.start_ns,
            candles=tuple(c for c in scenario.history if c.symbol in listed),
            funding=scenario.funding,
            open_interest=scenario.open_interest,
        ),
        port=wish.port,
        protocol=wish.protocol,
        speed=wish.speed,
        seed=wish.seed,
        state_file=wish.folder / STATE_FILE,
    )


def scenario_of(name: str, seed: int) -> Scenario:
    """Return the authored scenario, or the recorded one of a folder.

    Raises:
        ConfigInvalid: neither.
        DataInvalid: the folder cannot be used.
    """
    if name == DEFAULT:
        return default_scenario(seed=seed)
    folder = Path(name)
    if not folder.is_dir():
        raise ConfigInvalid(f"scenario {name!r}: neither {DEFAULT!r} nor a folder of recorded data")
    from bot.app.embedded.recorded import recorded_scenario

    return recorded_scenario(folder)


def _contracts(symbols: tuple[str, ...], scenario: Scenario) -> list[Instrument]:
    known = {contract.symbol: contract for contract in CONTRACTS}
    for symbol in symbols:
        if symbol not in known:
            raise ConfigInvalid(
                f"risk.symbols: {symbol}: the embedded venue lists {', '.join(known)}"
            )
        if symbol not in scenario.symbols:
            raise ConfigInvalid(
                f"risk.symbols: {symbol}: scenario {scenario.name} has "
                f"{', '.join(scenario.symbols)}"
            )
    return [known[symbol] for symbol in symbols]


def _path(scenario: Scenario, listed: set[str], wish: VenueWish) -> MarketPath:
    """Return the path as the venue walks it: from any instant of its own time on."""

    def ticks(after_ns: int) -> Iterator[MarketTick]:
        bars = (bar for bar in scenario.path() if bar.symbol in listed and bar.event_ns > after_ns)
        walked = live_path(
            bars,
            seed=wish.seed,
            speed=wish.speed,
            funding=scenario.funding,
            open_interest=scenario.open_interest,
        )
        return (tick for tick in walked if tick.event_ns > after_ns)

    return ticks
