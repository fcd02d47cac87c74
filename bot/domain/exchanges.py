"""The exchanges a configuration may name, and which of them can be traded. Loads nothing."""

from typing import Final, Literal, get_args

from bot.domain.errors import ConfigInvalid

Exchange = Literal["binance", "bybit", "hyperliquid", "okx"]
Site = Literal["testnet", "demo"]
EXCHANGES: Final[tuple[Exchange, ...]] = get_args(Exchange)
TRADED: Final[tuple[Exchange, ...]] = ("binance", "bybit", "hyperliquid", "okx")
"""The exchanges whose accounts can be driven: those `bot.venue.open` has a room for."""
EMBEDDED: Final[tuple[Exchange, ...]] = ("binance", "bybit", "hyperliquid", "okx")
"""The exchanges whose protocol the embedded venue speaks: see `bot.simulator.protocols`."""


def check_site(exchange: Exchange, site: Site) -> None:
    """Refuse a demo site where an exchange has none beside its testnet.

    Raises:
        ConfigInvalid: see above.
    """
    if site == "demo" and exchange != "bybit":
        raise ConfigInvalid(
            f"venues.site: only bybit has a demo beside its testnet; for {exchange} use testnet"
        )


_LACKS: Final[dict[tuple[Exchange, Site], str]] = {
    ("binance", "testnet"): "key rights are not told, open interest of past hours is not given",
    ("bybit", "testnet"): "key rights are not asked, prices and books are the testnet's own",
    ("bybit", "demo"): "key rights and fees are not told (base fees stand in), production prices",
    ("hyperliquid", "testnet"): "prices and books are the testnet's own",
}


def play_money(exchange: Exchange, site: Site) -> str:
    """Return what a play-money site does not have or has differently, in words."""
    return f"{exchange} {site}: {_LACKS.get((exchange, site), 'nothing known to be missing')}"


def untraded(exchange: str) -> ConfigInvalid:
    """Return the refusal of an exchange that is not built yet."""
    return ConfigInvalid(
        f"venues.exchange: {exchange} cannot be traded yet; use one of {', '.join(TRADED)}"
    )


def check_traded(exchange: Exchange, *, on_paper: bool) -> None:
    """Refuse an exchange that cannot be traded, or on paper has no embedded venue.

    Raises:
        ConfigInvalid: see above; the line names what can be used.
    """
    if exchange not in TRADED:
        raise untraded(exchange)
    if on_paper:
        check_embedded(exchange)


def check_embedded(exchange: Exchange) -> None:
    """Refuse a protocol that the embedded venue does not speak.

    Raises:
        ConfigInvalid: see above; the line names what can be used.
    """
    if exchange not in EMBEDDED:
        raise ConfigInvalid(
            f"venues.exchange: the embedded venue does not speak {exchange} yet; use one of "
            f"{', '.join(EMBEDDED)}"
        )
