"""Pages as the services of the world serve them, on a server of this machine alone."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

MOOD = b"""{"name": "Fear and Greed Index", "data": [
  {"value": "14", "value_classification": "Extreme Fear", "timestamp": "1769990400",
   "time_until_update": "3600"},
  {"value": "16", "value_classification": "Extreme Fear", "timestamp": "1769904000"}],
  "metadata": {"error": null}}"""
CLOSES = b"observation_date,SP500\n2026-01-28,6978.03\n2026-01-29,6969.01\n2026-01-30,6939.03\n"
FLOWS = b"date,Total\n28 Jan 2026,(19.6)\n29 Jan 2026,(817.8)\n30 Jan 2026,-509.7\n31 Jan 2026,-\n"
TOTALS = b"""{"code": "0", "msg": "success", "data": [
  {"time": 1769961600000, "aggregated_long_liquidation_usd": 5916885.1,
   "aggregated_short_liquidation_usd": 1296958.8},
  {"time": 1769976000000, "aggregated_long_liquidation_usd": 25345708.2,
   "aggregated_short_liquidation_usd": 645487.5}]}"""
FUNDS = b"""{"code": "0", "data": [{"timestamp": 1769731200000, "flow_usd": -509700000,
  "price_usd": 84000, "etf_flows": [{"etf_ticker": "IBIT", "flow_usd": -528300000}]}]}"""
REFUSED = b'{"code": "401", "msg": "API key missing."}'


@dataclass
class Pages:
    """What is served where; `asked` keeps path and headers of every request."""

    answers: dict[str, Callable[[], web.Response]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers[path] = lambda: web.Response(body=body, status=status, headers=named)

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, dict(request.headers)))
        return self.answers.get(request.path, lambda: web.Response(status=404))()


@asynccontextmanager
async def serving() -> AsyncIterator[Pages]:
    pages = Pages()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", pages.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        pages.url = f"http://{host}:{port}"
        yield pages
    finally:
        await runner.cleanup()
