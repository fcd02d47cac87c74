"""What every request must pass: a host we are called by, an origin that is ours, a bounded body."""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 64 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'self'; "
        "base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Shield:
    """Refuses what a foreign page could send through the user's browser (DNS rebinding, CSRF)."""

    def __init__(self, app: ASGIApp, *, port: int, hosts: Iterable[str]) -> None:
        self._app = app
        names = (*LOOPBACK, *hosts)
        self._hosts = {name.lower() for name in names} | {f"{n}:{port}".lower() for n in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here with the reason."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            status, text = refusal
            await JSONResponse({"error": text}, status, SECURITY)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(
                    {name: value for name, value in SECURITY.items() if name.lower() not in
                     {key.decode().lower() for key, _ in message["headers"]}}
                )  # fmt: skip
            await send(message)

        await self._app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        if headers.get("host", "").lower() not in self._hosts:
            return 421, "this name is not ours; add it to hosts in config/dashboard.toml"
        origin = headers.get("origin")
        if origin is not None and origin.lower().partition("://")[2] not in self._hosts:
            return 403, "another site's page may not ask here"
        if method in ("GET", "HEAD"):
            return None
        length = headers.get("content-length", "")
        if not length.isdigit():
            return 411, "a request with a body says its length"
        if int(length) > BODY_MAX:
            return 413, f"a request holds at most {BODY_MAX} bytes"
        return None
