"""Builds the FastAPI app: the page, its files, the login, health, reports, and the API."""

import asyncio
import gzip
import hashlib
from functools import cache
from importlib import resources
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from bot.dashboard import api
from bot.dashboard.entry import COOKIE, NoProof, NotIn, TooManyTries, require_entry
from bot.dashboard.reports import SANDBOX, list_reports, report_at
from bot.dashboard.rooms import Rooms, rooms_of
from bot.dashboard.shield import Shield
from bot.dashboard.stream import StreamFull
from bot.domain.errors import BotError

PAGE = resources.files("bot.dashboard") / "page"
PLOTLY = resources.files("plotly") / "package_data" / "plotly.min.js"
KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
FILES = {
    name: (entry.read_bytes(), KINDS[suffix])
    for entry in PAGE.iterdir()
    if (name := entry.name) and (suffix := f".{name.rpartition('.')[2]}") in KINDS
}
TAGS = {name: f'"{hashlib.sha256(body).hexdigest()[:20]}"' for name, (body, _) in FILES.items()}
"""What a browser that has a file says of it; then the file need not go through the tunnel again."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
STATUS: dict[type[Exception], int] = {
    NotIn: 401, NoProof: 403, api.NotThere: 404, api.NotConfirmed: 409, TooManyTries: 429,
    StreamFull: 429,
}  # fmt: skip


@cache
def _packed_plotly() -> bytes:
    """Return the script of the charts as gzip: a third, for who looks through a tunnel."""
    return gzip.compress(PLOTLY.read_bytes(), 6)


def make_site(rooms: Rooms) -> FastAPI:
    """Return the app; `Shield` stands before everything."""
    site = FastAPI(title="Breakwater", version="1", docs_url=None, redoc_url=None)
    site.state.rooms = rooms
    site.add_middleware(Shield, port=rooms.config.port, hosts=rooms.config.hosts)
    site.include_router(api.router)
    site.add_exception_handler(BotError, _told)
    site.add_exception_handler(TimeoutError, _late)
    site.add_exception_handler(RequestValidationError, _unclear)
    _doors(site)
    _files(site)
    _health(site)
    return site


def _told(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, STATUS.get(type(error), 400))


def _late(_request: Request, _error: Exception) -> Response:
    text = "no answer in time; a command may still be executed: look before you repeat it"
    return JSONResponse({"error": text}, 504)


def _unclear(_request: Request, error: Exception) -> Response:
    parts = error.errors() if isinstance(error, RequestValidationError) else ()
    words = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in parts)
    return JSONResponse({"error": words[:500] or "not understood"}, 422)


def _doors(site: FastAPI) -> None:
    @site.post("/login", include_in_schema=False)
    async def login(request: Request, rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        if rooms.keeper.resting():
            raise TooManyTries("too many wrong tokens; wait a minute")
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=4)
        if not rooms.keeper.knows(form.get("token", [""])[0].strip()):
            return RedirectResponse("/login?wrong", 303)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE, rooms.keeper.open(), httponly=True, samesite="strict", max_age=86_400
        )
        return answer

    @site.post("/logout", include_in_schema=False)
    async def logout(request: Request, rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        rooms.keeper.close(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer


def _page(name: str, request: Request) -> Response:
    """Return a file of the page, or that the browser has it."""
    body, kind = FILES[name]
    headers = {"Cache-Control": "no-cache", "ETag": TAGS[name]}
    if request.headers.get("if-none-match") == TAGS[name]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _files(site: FastAPI) -> None:
    @site.get("/login", include_in_schema=False)
    async def login_page(request: Request) -> Response:
        return _page("login.html", request)

    @site.get("/", include_in_schema=False)
    async def index(request: Request, rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        if rooms.keeper.session(request.cookies.get(COOKIE, "")) is None:
            return RedirectResponse("/login", 303)
        return _page("index.html", request)

    @site.get("/static/plotly.js", include_in_schema=False)
    async def plotly(request: Request) -> Response:
        headers = {"Cache-Control": "max-age=86400", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            packed = await asyncio.to_thread(_packed_plotly)
            return Response(packed, media_type="text/javascript", headers=headers)
        with resources.as_file(PLOTLY) as path:
            return FileResponse(path, media_type="text/javascript", headers=headers)

    @site.get("/static/{name}", include_in_schema=False)
    async def static(name: str, request: Request) -> Response:
        if name not in FILES:
            raise api.NotThere(f"no file {name[:40]}")
        return _page(name, request)

    @site.get("/api/v1/reports", dependencies=[Depends(require_entry)])
    async def reports(rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        return api.as_json({"reports": list_reports(rooms.config.reports)})

    @site.get("/reports/{name}", include_in_schema=False, dependencies=[Depends(require_entry)])
    async def report(name: str, rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        path = report_at(rooms.config.reports, name)
        if path is None:
            raise api.NotThere(f"no report {name[:80]}")
        headers = {"Content-Security-Policy": SANDBOX}
        return FileResponse(path, media_type="text/html", headers=headers)


def _health(site: FastAPI) -> None:
    @site.get("/healthz", summary="The process answers")
    async def healthz() -> Response:
        return api.as_json({"ok": True})

    @site.get("/metrics", summary="For Prometheus", dependencies=[Depends(require_entry)])
    async def metrics(rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        return Response(await rooms.metrics(), media_type=PROMETHEUS)

    @site.get(
        "/readyz",
        summary="The account is read and every position has its stop",
        responses={503: {"description": "not ready, with the reason"}},
    )
    async def readyz(rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
        status = await rooms.ask("status", {})
        bare, reconciled = status.get("unprotected"), bool(status.get("reconciled"))
        ready = reconciled and not bare
        reason = "ready" if ready else "a position has no full stop" if bare else "account not read"
        return api.as_json({"ready": ready, "reason": reason}, 200 if ready else 503)
