"""An embedded venue for tests: `async with embedded_venue(...) as venue`, in-process on port 0.

The market stands still at `prices` until `venue.move`. Everything of the process is real but the
process itself; `venue.world` and `venue.exchange` let a test look behind the protocol.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import aiohttp.abc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.app.clock import SystemClock
from bot.domain.market import Candle
from bot.domain.orders import OrderKind, OrderSide, OrderState, PositionSide
from bot.domain.units import NS_PER_MIN
from bot.ports import Clock
from bot.simulator.binance.control import arm
from bot.simulator.binance.market_data import History
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.weights import Quota
from bot.simulator.binance.world import Seen, World
from bot.simulator.contracts import contract
from bot.simulator.exchange import Exchange, FillModel
from bot.simulator.faults import FaultKind, FaultRule
from bot.simulator.keeper import flat_path
from bot.simulator.process import RunningVenue, VenueAccount, VenueProcessConfig, running_venue
from bot.simulator.terms import OrderRequest

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
PRICES: Mapping[str, float] = {BTC: 80_000.0, ETH: 2_500.0, "SOL/USDT:USDT": 120.0}
ACCOUNT = "main"
API_KEY, SECRET = "test-key", "test-secret"
READ_KEY, READ_SECRET = "read-key", "read-secret"
WALLET, AGENT = "0x" + "ab" * 20, "0x" + "11" * 32
KEYS = {"hyperliquid": (WALLET, AGENT)}
"""Key and secret by protocol: at Hyperliquid an account's address and its agent's private key."""
HOSTS = (
    "fapi.binance.com",
    "api.binance.com",
    "www.binance.com",
    "fstream.binance.com",
    "ws-fapi.binance.com",
    "demo-fapi.binance.com",
    "fstream.binancefuture.com",
    "testnet.binancefuture.com",
    "api.bybit.com",
    "stream.bybit.com",
    "api-testnet.bybit.com",
    "stream-testnet.bybit.com",
    "api-demo.bybit.com",
    "stream-demo.bybit.com",
    "127.0.0.1",
    "localhost",
)


@dataclass(frozen=True)
class EmbeddedVenue:
    """A running venue and the handles tests pull."""

    running: RunningVenue
    api_key: str
    secret: str
    account_id: str
    ca_pem: bytes | None

    @property
    def port(self) -> int:
        return self.running.port

    @property
    def url(self) -> str:
        """http(s)://127.0.0.1:port"""
        return self.running.url

    @property
    def ws_url(self) -> str:
        """ws(s)://127.0.0.1:port"""
        return self.url.replace("http", "ws", 1)

    @property
    def world(self) -> World:
        return self.running.world

    @property
    def exchange(self) -> Exchange:
        return self.world.exchange

    @property
    def log(self) -> Sequence[Seen]:
        """Every request since the start, oldest first."""
        return self.world.log

    @property
    def faults(self) -> "Faults":
        return Faults(self.world)

    def requests(self, path: str, method: str = "") -> list[Seen]:
        """Requests seen at `path` (its end is enough)."""
        return [s for s in self.log if s.path.endswith(path) and method in ("", s.method)]

    def move(self, symbol: str, price: float) -> None:
        """Let last, mark and index jump to `price`."""
        self.running.keeper.move(symbol, price)

    def deposit(self, amount_usd: str) -> None:
        self.exchange.deposit(self.account_id, Decimal(amount_usd))
        self.world.settle()

    def by_hand(
        self,
        symbol: str,
        side: OrderSide,
        qty: str,
        *,
        reduce_only: bool = False,
        position_side: PositionSide | None = None,
        client_order_id: str = "",
    ) -> OrderState:
        """Place a market order as a human would, past the bot."""
        state = self.exchange.submit(
            self.account_id,
            OrderRequest(
                symbol=symbol,
                side=side,
                kind=OrderKind.MARKET,
                qty=Decimal(qty),
                client_order_id=client_order_id or self.world.fallback_id("hand_"),
                reduce_only=reduce_only,
                position_side=position_side,
            ),
        )
        self.world.settle()
        return state

    def client_ssl(self) -> ssl.SSLContext | None:
        """TLS context that trusts the venue's test CA; None without TLS."""
        if self.ca_pem is None:
            return None
        return ssl.create_default_context(cadata=self.ca_pem.decode())

    def session(self) -> aiohttp.ClientSession:
        """An HTTP session for which every host name is this venue (the caller closes it)."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=self.client_ssl() or True, resolver=LoopbackResolver(self.port)
            )
        )


class Faults:
    """The fault board with the clock at hand."""

    def __init__(self, world: World) -> None:
        self._world = world

    def arm(self, rule: FaultRule) -> None:
        arm(self._world, rule)

    def add(self, kind: FaultKind | str, **fields: object) -> FaultRule:
        """Arm a rule: faults.add("lose_ack", path="/fapi/v1/order", times=1)."""
        rule = FaultRule(kind=FaultKind(kind), **fields)
        self.arm(rule)
        return rule

    def clear(self, kind: FaultKind | None = None) -> None:
        self._world.faults.clear(kind)


class LoopbackResolver(aiohttp.abc.AbstractResolver):
    """Resolves every host name to 127.0.0.1 at one port: the network ends at this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": self._port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None:
        return


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def make_certificate(hosts: Sequence[str] = HOSTS) -> tuple[bytes, bytes]:
    """(certificate PEM, key PEM) of a self-signed CA that vouches for `hosts`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "embedded venue test CA")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def server_tls(folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """A server context with a fresh test CA, and the CA's PEM; files go to `folder`."""
    certificate, key = make_certificate()
    (folder / "ca.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context, certificate


def flat_history(
    prices: Mapping[str, float], *, days: int = 30, timeframe_s: int = 3_600, swing: float = 0.004
) -> History:
    """Candles before the start that swing a little around `prices`; the path starts at 0 ns."""
    candles = []
    bars = days * 86_400 // timeframe_s
    for symbol, price in prices.items():
        close = price
        for back in range(bars, 0, -1):
            opened, close = close, price * (1.0 + swing * ((back * 7_919) % 11 - 5) / 5)
            if back == 1:
                close = price
            closed_ns = -(back - 1) * timeframe_s * NS_PER_MIN // 60
            candles.append(
                Candle(
                    symbol, closed_ns, closed_ns, timeframe_s, opened,
                    max(opened, close) * (1.0 + swing / 4), min(opened, close) * (1.0 - swing / 4),
                    close, 100.0, history=True,
                )
            )  # fmt: skip
    return History(start_ns=0, candles=tuple(candles))


@asynccontextmanager
async def embedded_venue(
    *,
    symbols: Sequence[str] = (BTC, ETH),
    wallet_usd: Decimal | str = "10000",
    prices: Mapping[str, float] | None = None,
    tls: bool = False,
    tls_folder: Path | None = None,
    seed: int = 1,
    tick_interval_s: float = 0.05,
    hedge_mode: bool = False,
    state_file: Path | None = None,
    port: int = 0,
    speed: float = 1.0,
    quota: Quota | None = None,
    fill_model: FillModel | None = None,
    history: History | None = None,
    clock: Clock | None = None,
    can_withdraw: bool = False,
    protocol: str = "binance",
) -> AsyncIterator[EmbeddedVenue]:
    """A venue with one funded account, a trading key and a read-only key."""
    key, secret = KEYS.get(protocol, (API_KEY, SECRET))
    now = {symbol: (prices or {}).get(symbol, PRICES.get(symbol, 0.0)) for symbol in symbols}
    context, ca_pem = None, None
    if tls:
        assert tls_folder is not None, "tls=True needs tls_folder=tmp_path"
        context, ca_pem = server_tls(tls_folder)
    config = VenueProcessConfig(
        instruments=[contract(symbol) for symbol in symbols],
        path=flat_path(now, tick_interval_s * speed),
        accounts=[
            VenueAccount(account_id=ACCOUNT, wallet_usd=Decimal(wallet_usd), hedge_mode=hedge_mode)
        ],
        keys=[
            ApiKey(key=key, secret=secret, account_id=ACCOUNT, can_withdraw=can_withdraw),
            ApiKey(key=READ_KEY, secret=READ_SECRET, account_id=ACCOUNT, can_trade=False),
        ],
        history=history if history is not None else flat_history(now),
        port=port,
        protocol=protocol,
        speed=speed,
        seed=seed,
        beat_s=tick_interval_s,
        state_file=state_file,
        ssl_context=context,
        fill_model=fill_model,
        quota=quota or Quota(),
        report=_fail,
    )
    async with running_venue(config, clock or SystemClock()) as running:
        yield EmbeddedVenue(running, key, secret, ACCOUNT, ca_pem)


def _fail(line: str) -> None:
    raise AssertionError(f"the venue complains: {line}")


def ccxt_config(venue: EmbeddedVenue, **more: object) -> dict[str, object]:
    """Configuration that points ccxt's binanceusdm at the venue by URL override."""
    http, ws = venue.url, venue.ws_url
    return {
        "apiKey": venue.api_key,
        "secret": venue.secret,
        "enableRateLimit": False,
        "urls": {
            "api": {
                **{
                    f"{name}{version}": f"{http}/fapi/{version.lower() or 'v1'}"
                    for name in ("fapiPublic", "fapiPrivate")
                    for version in ("", "V2", "V3")
                },
                "fapiData": f"{http}/futures/data",
                "sapi": f"{http}/sapi/v1",
                "public": f"{http}/api/v3",
                "private": f"{http}/api/v3",
                "ws": {"linear": f"{ws}/ws"},
            }
        },
        "options": {
            "fetchCurrencies": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
        **more,
    }
