"""`python -m tests.fakes.tls_venue venue ...`: the venue behind TLS, as the production hosts are.

$TLS_FOLDER holds ca.pem and key.pem of a test CA that vouches for the production names.
$KEY_FLAW: what is odd about the API key: it "withdraws", "roams" (bound to no address) or only
"reads".
"""

import os
import ssl
from functools import partial
from pathlib import Path

from aiohttp import web

import bot.app.embedded.build
import bot.simulator.process
from bot.app.cli import main
from bot.simulator.binance.signing import ApiKey

FOLDER = "TLS_FOLDER"
KEY_FLAW = "KEY_FLAW"
_open_port = bot.simulator.process.open_port


async def _open_with_tls(
    app: web.Application, port: int, _none: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    folder = Path(os.environ[FOLDER])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return await _open_port(app, port, context)


if __name__ == "__main__":
    bot.simulator.process.open_port = _open_with_tls
    flaw = os.environ.get(KEY_FLAW, "")
    bot.app.embedded.build.ApiKey = partial(
        ApiKey,
        can_withdraw=flaw == "withdraws",
        can_trade=flaw != "reads",
        ip_restricted=flaw != "roams",
    )
    main()
