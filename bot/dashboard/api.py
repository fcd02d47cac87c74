"""The REST API under /api/v1: the answers of the command line, and commands with a typed word."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from bot.answers.ask import ANSWERS
from bot.dashboard.entry import Entry, require_entry
from bot.dashboard.history import KEPT
from bot.dashboard.rooms import Rooms, rooms_of
from bot.domain.errors import BotError

LOWERING = ("pause", "flatten", "reduce")
"""Commands that can only lower risk."""
RAISING = ("resume", "rearm", "relever", "mode", "limits")
SPECIAL = ("accounts", "doctor", "events", "health")
DESK = ("ack",)
"""What is said to the desk of alerts, not to the kernel."""
COMMANDS = (*LOWERING, *RAISING, *DESK)
Short = Annotated[str, Field(max_length=80)]
Text = Annotated[str, Path(max_length=40, pattern=r"^[a-z][a-z_-]*$")]
Word = Annotated[str, Query(max_length=80)]

router = APIRouter(prefix="/api/v1", dependencies=[Depends(require_entry)])


class CommandBody(BaseModel):
    """What a command is given; `confirm` is its own name, typed by a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confirm: Annotated[str, Field(max_length=40)] = ""
    args: Annotated[dict[Short, Short], Field(max_length=8)] = {}
    key: Annotated[str, Field(max_length=40)] = ""
    """Names this command: sent twice, it happens once."""


class NotThere(BotError):
    """No answer and no command goes by that name."""


class NotConfirmed(BotError):
    """The word that confirms a command was not typed."""


def as_json(document: object, status: int = 200) -> Response:
    """Return a document as the command line's --json prints it."""
    return Response(msgspec.json.encode(document), status, media_type="application/json")


@router.get("/session", summary="Who is asking; `csrf` belongs into X-CSRF of commands")
async def session(entry: Annotated[Entry, Depends(require_entry)]) -> Response:
    """Return how the caller came in."""
    return as_json({"by": entry.by, "csrf": entry.csrf})


@router.get("/answers", summary="Names of all answers")
async def names() -> Response:
    """Return what can be asked."""
    return as_json({"answers": sorted({*ANSWERS, *SPECIAL})})


@router.get(
    "/answers/{name}",
    summary="One answer, the same as `breakwater NAME --json`",
    responses={400: {"description": "unclear question"}, 404: {"description": "no such answer"}},
)
async def answer(
    name: Text,
    rooms: Annotated[Rooms, Depends(rooms_of)],
    symbol: Word = "",
    table: Word = "",
    ref: Word = "",
    limit: Word = "",
) -> Response:
    """Ask the daemon."""
    if name not in ANSWERS and name not in SPECIAL:
        raise NotThere(f"no answer called {name}; GET /api/v1/answers lists them")
    given = {"symbol": symbol, "table": table, "ref": ref, "limit": limit}
    return as_json(await rooms.ask(name, {key: text for key, text in given.items() if text}))


@router.get("/history", summary="Readings since this run began, oldest first")
async def history(
    rooms: Annotated[Rooms, Depends(rooms_of)],
    symbol: Word = "",
    limit: Annotated[int, Query(ge=1, le=KEPT)] = 720,
) -> Response:
    """Return what the charts draw."""
    return as_json(rooms.history.of(symbol, limit))


@router.get("/page", summary="How times are shown, and the names of commands")
async def page(rooms: Annotated[Rooms, Depends(rooms_of)]) -> Response:
    """Return the settings of the page."""
    return as_json({"time_zone": rooms.config.time_zone, "lowering": LOWERING, "raising": RAISING})


@router.get("/stream", summary="Server-sent events: the state whenever it changed")
async def stream(rooms: Annotated[Rooms, Depends(rooms_of)]) -> StreamingResponse:
    """Return an endless stream of events."""
    rooms.stream.require_room()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(rooms.stream.listen(), media_type="text/event-stream", headers=headers)


@router.post(
    "/commands/{name}",
    summary="Give an order; what raises risk asks for a code as on the command line",
    responses={
        400: {"description": "not understood"},
        403: {"description": "no CSRF proof"},
        404: {"description": "no such command"},
        409: {"description": "refused, or not confirmed"},
    },
)
async def command(
    name: Text,
    request: Request,
    entry: Annotated[Entry, Depends(require_entry)],
    rooms: Annotated[Rooms, Depends(rooms_of)],
    body: CommandBody,
) -> Response:
    """Put a command into the inbox and return the kernel's answer."""
    if name not in COMMANDS:
        raise NotThere(f"no command called {name}; known: {', '.join(COMMANDS)}")
    entry.require_csrf(request.headers.get("x-csrf", ""))
    if body.confirm != name.upper():
        raise NotConfirmed(f'type the word: "confirm": "{name.upper()}"')
    if name in DESK:
        return as_json(
            {"command": name, "accepted": True, "text": _said(await rooms.ask(name, {}))}
        )
    taken = await rooms.house.order(
        name, body.args, operator=f"page:{entry.by}", key=f"page-{body.key}" if body.key else ""
    )
    told = {"command": name, "accepted": taken.accepted, "text": taken.text}
    return as_json(told, 200 if taken.accepted else 409)


def _said(found: Mapping[str, object]) -> str:
    closed = found.get("acknowledged")
    names = ", ".join(str(kind) for kind in closed) if isinstance(closed, list) else ""
    return f"acknowledged: {names}" if names else "no alert waits"
