"""A venue that is stopped, killed, or finds its file broken."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.orders import OrderSide
from bot.simulator.inputs import Submitted
from bot.simulator.venue_file import read_file, read_log, write_file
from tests.fakes.embedded import BTC, embedded_venue
from tests.venue.embedded.client import client, soon, until

ROOT = Path(__file__).resolve().parents[3]
STOP = {"stopLossPrice": 78_000, "reduceOnly": True, "clientOrderId": "bw-stop"}


async def test_orders_positions_ledger_and_listen_key_come_back(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    async with embedded_venue(state_file=file) as venue, client(venue) as ex:
        await ex.create_order(BTC, "market", "buy", 0.05)
        stop = await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        rest = await ex.create_order(BTC, "limit", "buy", 0.01, 70_000, {"postOnly": True})
        venue.move(BTC, 79_000.0)
        key = (await ex.fapiPrivatePostListenKey())["listenKey"]
        balance = (await ex.fetch_balance())["USDT"]["total"]
        trades = len(await ex.fetch_my_trades(BTC))
    async with embedded_venue(state_file=file, wallet_usd="1") as venue, client(venue) as ex:
        assert venue.running.restored
        assert venue.exchange.market(BTC).last == 79_000
        assert (await ex.fetch_positions([BTC]))[0]["contracts"] == 0.05
        assert (await ex.fetch_balance())["USDT"]["total"] == balance
        assert len(await ex.fetch_my_trades(BTC)) == trades
        stops = await ex.fetch_open_orders(BTC, params={"trigger": True})
        assert [o["id"] for o in stops] == [stop["id"]]
        rests = await ex.fetch_open_orders(BTC)
        assert [(o["id"], o["timeInForce"]) for o in rests] == [(rest["id"], "PO")]
        assert (await ex.fapiPrivatePostListenKey())["listenKey"] == key
        with pytest.raises(Exception, match="-20132"):
            await ex.create_order(BTC, "market", "sell", 0.05, None, STOP)
        venue.move(BTC, 77_000.0)
        assert await ex.fetch_positions([BTC]) == []


async def test_the_path_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    async with embedded_venue(state_file=file) as venue:
        await until(lambda: venue.running.keeper.position.path_ns > 200_000_000)
        left_at = venue.running.keeper.position.path_ns
    async with embedded_venue(state_file=file) as venue:
        assert venue.running.keeper.position.path_ns >= left_at
        await until(lambda: venue.running.keeper.position.path_ns > left_at)


async def test_an_acknowledged_order_is_on_disk(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    async with embedded_venue(state_file=file) as venue, client(venue) as ex:
        for number in range(5):
            await ex.create_order(
                BTC, "market", "buy", 0.002, None, {"clientOrderId": f"o{number}"}
            )
            kept = read_file(file)
            assert kept is not None
            sent = [e for e in read_log(file, kept.generation) if isinstance(e, Submitted)]
            assert sent[-1].request.client_order_id == f"o{number}"


async def test_a_used_port_is_one_clear_line(tmp_path: Path) -> None:
    async with embedded_venue() as first:
        with pytest.raises(ConfigInvalid, match=f"port {first.port} .*choose another"):
            async with embedded_venue(port=first.port):
                pass


async def test_a_broken_file_is_one_clear_line_and_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    async with embedded_venue(state_file=file) as venue:
        venue.by_hand(BTC, OrderSide.BUY, "0.01")
    whole = file.read_bytes()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cut=st.integers(0, len(whole) - 1), flip=st.booleans(), bit=st.integers(1, 255))
    def spoil(cut: int, flip: bool, bit: int) -> None:
        broken = bytearray(whole)
        if flip:
            broken[cut] ^= bit
        else:
            del broken[cut:]
        file.write_bytes(broken)
        with pytest.raises(DataInvalid, match="not a whole venue file; move it away"):
            read_file(file)
        assert file.read_bytes() == broken

    spoil()
    with pytest.raises(DataInvalid, match="move it away"):
        async with embedded_venue(state_file=file):
            pass


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "venue.bin"
    write_file(file, b"old")
    (tmp_path / "venue.bin.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_file(file, b"new")
    assert file.read_bytes() == b"old"


async def test_no_file_is_a_new_venue(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none.bin") is None
    with pytest.raises(DataInvalid, match="directory"):
        read_file(tmp_path)


PROGRAM = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from bot.app.clock import SystemClock
from bot.simulator.binance.signing import ApiKey
from bot.simulator.contracts import contract
from bot.simulator.keeper import flat_path
from bot.simulator.process import VenueAccount, VenueProcessConfig, serve_venue
config = VenueProcessConfig(
    instruments=[contract("BTC/USDT:USDT")], path=flat_path({"BTC/USDT:USDT": 80000.0}, 0.05),
    accounts=[VenueAccount(account_id="main", wallet_usd=Decimal(10000))],
    keys=[ApiKey(key="k", secret="s", account_id="main")], state_file=Path(sys.argv[1]),
    ready=lambda r: print(r.port, r.restored, flush=True), report=print,
)
asyncio.run(serve_venue(config, SystemClock()))
"""


async def start(file: Path) -> tuple[asyncio.subprocess.Process, int, bool]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(file), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        port, restored = (await process.stdout.readline()).split()
    return process, int(port), restored == b"True"


async def test_a_killed_process_comes_back_and_a_terminated_one_ends_cleanly(
    tmp_path: Path,
) -> None:
    file = tmp_path / "venue.bin"
    process, port, restored = await start(file)
    assert not restored
    order = {"symbol": "BTCUSDT", "side": "BUY", "qty": "0.05"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"http://127.0.0.1:{port}/_control/position", json=order) as answer:
            assert answer.status == 200
        os.kill(process.pid, signal.SIGKILL)
        await soon(process.wait())
        process, port, restored = await start(file)
        assert restored
        async with session.post(
            f"http://127.0.0.1:{port}/_control/position",
            json={**order, "side": "SELL", "reduce_only": True},
        ) as answer:
            body = json.loads(await answer.text())
            assert (body["status"], body["filled_qty"]) == ("FILLED", "0.05")
        process.terminate()
        assert await soon(process.wait()) == 0
    kept = read_file(file)
    assert kept is not None
    assert len(kept.records["main"]) == 2
