"""Addresses alerts may be sent to, and one careful request."""

import asyncio
from urllib.parse import urlsplit

import aiohttp

from bot.domain.errors import ChannelFailed, ConfigInvalid

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DEADLINE_S = 15.0


def checked(url: str, what: str) -> str:
    """Return `url`.

    Raises:
        ConfigInvalid: it is no https address (http is for this machine alone). The address itself
            is not shown: it is as good as a password.
    """
    try:
        parsed = urlsplit(url)
        host = parsed.hostname
    except ValueError:
        parsed, host = urlsplit(""), None
    plain = parsed.scheme == "http" and host in LOOPBACK
    printable = url.isascii() and url.isprintable() and " " not in url
    if not host or not printable or not (parsed.scheme == "https" or plain):
        raise ConfigInvalid(f"secret {what}: needed an address https://HOST/...")
    return url


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> None:
    """Send `body`; follow no redirect, keep no answer.

    Raises:
        ChannelFailed: it was not taken; the line names the host, never the whole address.
    """
    host = urlsplit(url).hostname
    try:
        async with asyncio.timeout(DEADLINE_S):
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status, wait = response.status, response.headers.get("Retry-After", "")
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise ChannelFailed(f"{host}: {type(error).__name__}") from None
    if not 200 <= status < 300:
        retry_s = float(wait) if wait.isdigit() and len(wait) < 6 else 0.0
        raise ChannelFailed(f"{host}: answered {status}", retry_after_s=retry_s)
