"""The shape of the table [sources]: what is read from outside the venues, and how often."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from bot.app.config.bounds import Float, Name, Symbol, Table, Usd, Words
from bot.domain.errors import ConfigInvalid
from bot.sources import addresses
from bot.sources.addresses import host_of


def _address(url: str) -> str:
    """Refuse an address that would never be spoken to; empty is none."""
    if url:
        try:
            host_of(url, "url")
        except ConfigInvalid as error:
            raise ValueError(str(error)) from None
    return url


Url = Annotated[str, StringConstraints(max_length=500), AfterValidator(_address)]
Period = Annotated[Float, Field(ge=10.0, le=86_400.0)]
Key = Annotated[str, StringConstraints(max_length=80)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]
Secret = Name | Literal[""]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}$")]


class WebTable(Table):
    """A page that is asked now and then."""

    enabled: bool = False
    url: Url = ""
    every_s: Period = 3_600.0
    key: Secret = ""
    """Name of a secret that goes into `key_header`; empty: none is sent."""
    key_header: Header = "Authorization"

    @model_validator(mode="after")
    def _addressed(self) -> "WebTable":
        """Demand an address of what is switched on."""
        if self.enabled and not self.url:
            raise ValueError("enabled, but url is empty: say where it is read from")
        return self


class FearGreedTable(WebTable):
    """Fear and greed as alternative.me tells it."""

    url: Url = addresses.FEAR_GREED


class LaidOutTable(WebTable):
    """A table somebody else lays out, CSV or JSON."""

    format: Literal["csv", "json"] = "csv"
    rows_at: Key = ""


class DaysTable(LaidOutTable):
    """A table of days."""

    date_column: Column = "date"
    value_column: Column = "value"
    scale: Annotated[Float, Field(gt=0.0, le=1e12)] = 1.0


class EquityTable(DaysTable):
    """Daily closes of the S&P 500."""

    url: Url = addresses.EQUITY
    date_column: Column = addresses.EQUITY_DATE
    value_column: Column = addresses.EQUITY_CLOSE


class NetflowTable(DaysTable):
    """Exchange flows of one asset."""

    asset: Asset = "BTC"


class OptionSkewTable(Table):
    """Option skew as Deribit's book tells it."""

    enabled: bool = False
    assets: Annotated[tuple[Literal["BTC", "ETH"], ...], Field(min_length=1)] = ("BTC", "ETH")
    every_s: Period = 300.0


class WindowTable(Table):
    """One announced event."""

    title: Words
    start: AwareDatetime
    end: AwareDatetime
    floor: Annotated[int, Field(ge=2, le=5)] = 3
    symbol: Symbol | Literal[""] = ""

    @model_validator(mode="after")
    def _ordered(self) -> "WindowTable":
        """Refuse a window that is none, or lasts for weeks."""
        span_s = (self.end - self.start).total_seconds()
        if not 0 < span_s <= 14 * 86_400:
            raise ValueError("end must lie after start, at most 14 days")
        return self


class CalendarTable(LaidOutTable):
    """Announced events, here and on the web."""

    windows: Annotated[tuple[WindowTable, ...], Field(max_length=500)] = ()


class PositionTable(Table):
    """One position of somebody else."""

    address: Words
    symbol: Symbol
    side: Literal["long", "short"]
    liq_price: Usd
    qty: Annotated[Float, Field(gt=0.0, le=1e12)]
    as_of: AwareDatetime
    entry_price: Usd | None = None


class WhalesTable(LaidOutTable):
    """Watched positions, here and on the web."""

    positions: Annotated[tuple[PositionTable, ...], Field(max_length=500)] = ()


class CoinglassTable(Table):
    """CoinGlass; it needs a key of your own."""

    enabled: bool = False
    url: Url = addresses.COINGLASS
    key: Name = "coinglass_key"
    every_s: Period = 1_800.0
    interval: Literal["1h", "4h", "1d"] = "4h"
    exchanges: Annotated[tuple[Column, ...], Field(min_length=1, max_length=30)] = (
        "Binance", "OKX", "Bybit", "Hyperliquid",
    )  # fmt: skip
    liquidations: bool = True
    etf_flow: bool = True

    @model_validator(mode="after")
    def _wanted(self) -> "CoinglassTable":
        """Demand that something is wanted, and names that may stand in an address."""
        if self.enabled and not (self.liquidations or self.etf_flow):
            raise ValueError("enabled, but neither liquidations nor etf_flow is wanted")
        for name in self.exchanges:
            if not name.replace(".", "").isalnum():
                raise ValueError(f"exchanges: {name!r} is no name")
        return self


class SourcesTable(Table):
    """Inputs that no venue gives; all of them off unless switched on here."""

    drop_dir: Words = "sources"
    deadline_s: Annotated[Float, Field(ge=1.0, le=25.0)] = 10.0
    answer_bytes_max: Annotated[int, Field(ge=1_000, le=20_000_000)] = 2_000_000
    fear_greed: FearGreedTable = FearGreedTable()
    btc_etf_net_flow_usd: DaysTable = DaysTable()
    spx_return: EquityTable = EquityTable()
    exchange_netflow: NetflowTable = NetflowTable()
    option_skew: OptionSkewTable = OptionSkewTable()
    event_calendar: CalendarTable = CalendarTable()
    whales: WhalesTable = WhalesTable()
    coinglass: CoinglassTable = CoinglassTable()
