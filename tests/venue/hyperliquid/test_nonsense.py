"""Whatever arrives at the embedded Hyperliquid, it answers in its own words and lives on."""

import random

import aiohttp
import ccxt
import pytest

from bot.simulator.hyperliquid.actions import ACTIONS
from bot.simulator.hyperliquid.info import QUESTIONS
from tests.fakes.embedded import AGENT, WALLET, embedded_venue

CLIENT = ccxt.hyperliquid({"walletAddress": WALLET, "privateKey": AGENT})
SCALARS = (
    None, True, False, 0, 1, -1, 2**63, 1.5, "", "ü", WALLET, "BTC", "0.01", "80000", "-5",
    "1e400", "NaN", "Ioc", "Gtc", "sl", "1h", "na", "0x" + "0" * 32, "0x" + "g" * 32, "a" * 300,
)  # fmt: skip
PARTS = ("a", "b", "p", "s", "r", "t", "c", "o", "limit", "trigger", "tif", "triggerPx", "isMarket",
         "tpsl", "asset", "cloid")  # fmt: skip
ASKED = ("user", "coin", "oid", "startTime", "endTime", "req", "interval")
ACTED = ("orders", "cancels", "grouping", "asset", "isCross", "leverage", "ntli", "isBuy", "time")
RAW = (b"", b"[]", b"{", b"null", b'{"action":1,"nonce":true,"signature":{}}', b"\xff")


def value(dice: random.Random, depth: int = 3) -> object:
    """Any JSON, often of a shape that comes close to an order."""
    kind = dice.random()
    if depth == 0 or kind < 0.5:
        return dice.choice(SCALARS)
    if kind < 0.7:
        return [value(dice, depth - 1) for _ in range(dice.randint(0, 2))]
    names = dice.sample(PARTS, dice.randint(0, 6))
    return {name: value(dice, depth - 1) for name in names}


def order(dice: random.Random) -> dict[str, object]:
    """An order that is right but for one part."""
    row: dict[str, object] = {
        "a": 0, "b": True, "p": "80000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Gtc"}},
    }  # fmt: skip
    row[dice.choice((*row, "c"))] = value(dice)
    return row


def action(dice: random.Random) -> dict[str, object]:
    names = dice.sample(ACTED, dice.randint(0, 6))
    made = {name: value(dice) for name in names}
    made["type"] = dice.choice([*ACTIONS, "nothing"])
    if dice.random() < 0.4:
        made |= {"type": "order", "orders": [order(dice)], "grouping": "na"}
    return made


@pytest.mark.parametrize("seed", range(3))
async def test_nonsense_is_answered(seed: int) -> None:
    dice = random.Random(seed)
    async with embedded_venue(protocol="hyperliquid") as venue, aiohttp.ClientSession() as web:
        for _ in range(80):
            question = {name: value(dice) for name in dice.sample(ASKED, dice.randint(0, 5))}
            question["type"] = dice.choice([*QUESTIONS, "nothing"])
            async with web.post(f"{venue.url}/info", json=question) as answer:
                assert answer.status in (200, 422, 429), (question, await answer.text())
        nonce = venue.world.now_ms()
        for number in range(80):
            made = action(dice)
            body = {
                "action": made,
                "nonce": nonce + number,
                "signature": CLIENT.sign_l1_action(made, nonce + number),
            }
            async with web.post(f"{venue.url}/exchange", json=body) as answer:
                assert answer.status in (200, 422, 429), (made, await answer.text())
        for raw in RAW:
            for path in ("info", "exchange"):
                async with web.post(f"{venue.url}/{path}", data=raw) as answer:
                    assert answer.status in (422, 429), (raw, path)
        async with web.ws_connect(f"{venue.ws_url}/ws") as socket:
            for said in ("", "{", "[]", '{"method":"subscribe"}', '{"method":"post","id":1}'):
                await socket.send_str(said)
                told = await socket.receive_json(timeout=10)
                assert told["channel"] == "error"
            await socket.send_str('{"method":"ping"}')
            assert await socket.receive_json(timeout=10) == {"channel": "pong"}
