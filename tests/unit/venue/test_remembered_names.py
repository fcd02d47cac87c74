"""A name server that is gone takes no venue away that was found before."""

import asyncio
import socket
import ssl

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.venue import room
from bot.venue.names import ANSWER_S, RememberedNames
from bot.venue.room import Transport, VenueConfig
from tests.fakes.ports import virtually

HOST = "fapi.example"


class NameServer(AbstractResolver):
    """Gives `answer`, raises it, or hangs (None)."""

    def __init__(self) -> None:
        self.answer: list[ResolveResult] | Exception | None = [found("10.0.0.1")]
        self.closed = False

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def close(self) -> None:
        self.closed = True


def found(address: str) -> ResolveResult:
    return ResolveResult(
        hostname=HOST, host=address, port=443, family=socket.AF_INET, proto=0, flags=0
    )


@pytest.mark.parametrize("trouble", [socket.gaierror(-3, "try again"), None])
def test_what_was_found_once_stands_while_nobody_answers(trouble: Exception | None) -> None:
    async def main() -> None:
        server = NameServer()
        names = RememberedNames(server)
        assert await names.resolve(HOST, 443) == [found("10.0.0.1")]
        server.answer = trouble
        assert await names.resolve(HOST, 443) == [found("10.0.0.1")]
        server.answer = [found("10.0.0.2")]
        assert await names.resolve(HOST, 443) == [found("10.0.0.2")], "a new answer wins"
        server.answer = trouble
        assert await names.resolve(HOST, 443) == [found("10.0.0.2")]
        await names.close()
        assert server.closed

    virtually(main())


def test_a_name_that_was_never_found_fails_and_never_hangs() -> None:
    async def main() -> None:
        server, clock = NameServer(), asyncio.get_running_loop()
        names = RememberedNames(server)
        server.answer = socket.gaierror(-2, "not known")
        with pytest.raises(socket.gaierror, match="not known"):
            await names.resolve(HOST, 443)
        server.answer = None
        began_s = clock.time()
        with pytest.raises(OSError, match="no name server answered"):
            await names.resolve(HOST, 443)
        assert clock.time() - began_s == pytest.approx(ANSWER_S)
        server.answer = [found("10.0.0.1")]
        await names.resolve(HOST, 443)
        server.answer = socket.gaierror(-2, "not known")
        with pytest.raises(socket.gaierror):
            await names.resolve("other.example", 443)

    virtually(main())


def test_the_transport_of_a_room_dials_by_what_it_remembers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Real sockets: each request needs a new connection and a new lookup; the second has none."""
    monkeypatch.setattr(room, "DNS_TTL_S", 0)

    async def main() -> list[int]:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(headers={"Connection": "close"})

        application = web.Application()
        application.router.add_get("/fapi/v1/time", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        config = VenueConfig(mode="paper", symbols=("BTC/USDT:USDT",))
        seen = []
        transport = Transport(ssl.create_default_context())
        async with transport.session(config, pool=2) as http:
            for _ in range(2):
                async with http.get(f"http://localhost:{port}/fapi/v1/time") as told:
                    seen.append(told.status)
                monkeypatch.setattr(socket, "getaddrinfo", _gone)
        await runner.cleanup()
        return seen

    assert asyncio.run(main()) == [200, 200]


def _gone(*_: object, **__: object) -> None:
    raise socket.gaierror(-3, "Temporary failure in name resolution")
