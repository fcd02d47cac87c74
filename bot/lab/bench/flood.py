"""A loopback socket that sends Binance's frames at a steady rate: the other end of a bench.

Run as a process of its own (`python -m bot.lab.bench.flood SYMBOLS RATE SECONDS BASE_NS`); prints
its port and ends when it has sent everything.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import Final

from aiohttp import web

from bot.simulator.dice import Dice

TICK_S: Final = 0.005
TRADES_OF_100, TOPS_OF_100 = 70, 29
"""Of a hundred frames beside the marks: trades, book tops; the rest are forced orders."""
PRICE: Final = 50_000.0


def base_of(number: int) -> str:
    """Return the name of the coin of a contract of the bench."""
    return f"C{number:02d}"


class Frames:
    """An endless mix of frames over contracts; marks come once a second for each."""

    def __init__(self, symbols: int) -> None:
        self._names = [f"{base_of(n)}USDT" for n in range(symbols)]
        self._prices = [PRICE] * symbols
        self._ids = [1] * symbols
        self._dice = Dice(11)
        self._marked_s = -1

    def at(self, ms: int, count: int) -> Iterator[str]:
        """Yield `count` frames of one instant (milliseconds UTC)."""
        left = count
        if ms // 1_000 != self._marked_s:
            self._marked_s = ms // 1_000
            for number, name in enumerate(self._names):
                price = f"{self._prices[number]:.1f}"
                yield (
                    f'{{"e":"markPriceUpdate","E":{ms},"s":"{name}","p":"{price}","P":"{price}",'
                    f'"i":"{price}","r":"0.00010000","T":{ms - ms % 28_800_000 + 28_800_000}}}'
                )
            left -= len(self._names)
        for _ in range(max(left, 0)):
            yield self._one(ms)

    def _one(self, ms: int) -> str:
        dice = self._dice
        number = int(dice.roll() * len(self._names))
        name, kind = self._names[number], dice.roll() * 100.0
        price = self._prices[number]
        if kind < TRADES_OF_100:
            price = self._prices[number] = price * (1.0 + 2e-6 * (dice.roll() - 0.5))
            self._ids[number] += 1
            maker = "true" if dice.roll() < 0.5 else "false"
            return (
                f'{{"e":"aggTrade","E":{ms},"s":"{name}","a":{self._ids[number]},'
                f'"p":"{price:.1f}","q":"0.152","nq":"0.152","f":1,"l":2,"T":{ms},"m":{maker}}}'
            )
        if kind < TRADES_OF_100 + TOPS_OF_100:
            return (
                f'{{"e":"bookTicker","u":7,"s":"{name}","b":"{price:.1f}","B":"1.5",'
                f'"a":"{price + 0.1:.1f}","A":"2.5","T":{ms},"E":{ms}}}'
            )
        return (
            f'{{"e":"forceOrder","E":{ms},"o":{{"s":"{name}","S":"SELL","o":"LIMIT","f":"IOC",'
            f'"q":"0.1","p":"{price:.1f}","ap":"{price:.1f}","X":"FILLED","l":"0.1","z":"0.1",'
            f'"T":{ms}}}}}'
        )


async def flood(symbols: int, rate: int, seconds: float, base_ns: int) -> None:
    """Serve one client; `base_ns` is the market's time when it connects."""
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.receive()  # its subscription
        frames, began, sent = Frames(symbols), time.monotonic(), 0
        while (spent := time.monotonic() - began) < seconds:
            due = round(spent * rate) - sent
            for frame in frames.at((base_ns + round(spent * 1e9)) // 1_000_000, due):
                await socket.send_str(frame)
            sent += max(due, 0)
            await asyncio.sleep(TICK_S)
        await socket.close()
        done.set()
        return socket

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await done.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(flood(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
