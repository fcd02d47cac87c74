"""The only way out: one GET at a time to named hosts, TLS, no redirects, so many bytes at most."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from bot.domain.errors import SourceFailed
from bot.sources.addresses import LOOPBACK

CHUNK: Final = 65_536
RETRY_AFTER_MAX_S: Final = 86_400.0
_OK: Final = 200
_THROTTLED: Final = frozenset({429, 503})


class Door:
    """Fetches what was configured and nothing else."""

    def __init__(self, hosts: AbstractSet[str], *, deadline_s: float, bytes_max: int) -> None:
        self._hosts = frozenset(hosts)
        self._deadline_s = deadline_s
        self._bytes_max = bytes_max
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the body of one answer.

        Raises:
            SourceFailed: no answer in time, not 200, compressed unasked, or too long.
        """
        host = URL(url).host or ""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._get(url, host, headers or {})
        except TimeoutError:
            raise SourceFailed(f"{host}: no answer within {self._deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceFailed(f"{host}: cannot be reached: {_told(error)}") from None

    async def _get(self, url: str, host: str, headers: Mapping[str, str]) -> bytes:
        wanted = {"Accept-Encoding": "identity", "User-Agent": "breakwater", **headers}
        async with self._opened().get(url, headers=wanted, allow_redirects=False) as answer:
            _judge(answer, host)
            body = bytearray()
            async for part in answer.content.iter_chunked(CHUNK):
                body += part
                if len(body) > self._bytes_max:
                    most = f"more than {self._bytes_max:,} bytes"
                    raise SourceFailed(f"{host}: the answer is {most}: ask for less")
            return bytes(body)

    def _opened(self) -> aiohttp.ClientSession:
        """Open the session with the first question: who asks nothing opens nothing."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                middlewares=(self._fence,), trust_env=False, auto_decompress=False
            )
        return self._session

    async def _fence(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Stand in front of the transport: what was not configured is not sent."""
        host, scheme = request.url.host, request.url.scheme
        if host not in self._hosts or not (scheme == "https" or host in LOOPBACK):
            raise SourceFailed(f"{host}: not a host that config/sources.toml names: not sent")
        return await handler(request)

    async def close(self) -> None:
        """Release every socket."""
        if self._session is not None:
            await self._session.close()


def _judge(answer: ClientResponse, host: str) -> None:
    """Refuse anything but a plain success."""
    if answer.status in _THROTTLED:
        wait_s = _wait_s(answer.headers.get("Retry-After", ""))
        raise SourceFailed(
            f"{host}: answers {answer.status}: asked too often", retry_after_s=wait_s
        )
    if 300 <= answer.status < 400:
        to = answer.headers.get("Location", "")[:80]
        raise SourceFailed(f"{host}: answers {answer.status}, see {to!r}: correct its url")
    if answer.status != _OK:
        raise SourceFailed(f"{host}: answers {answer.status}: check url and key")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SourceFailed(f"{host}: the answer is compressed, which was not asked for")


def _wait_s(text: str) -> float:
    """Return the seconds of a Retry-After header; 0.0 where it gives none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return 0.0
    return min(float(text), RETRY_AFTER_MAX_S)


def _told(error: BaseException) -> str:
    words = " ".join(str(error).split())[:160]
    return words or type(error).__name__
