"""Pictures are drawn by a child process: the daemon stays small, and never waits for ink."""

import asyncio
import sys

import msgspec

from bot.domain.errors import BotError

DEADLINE_S = 40.0
PNG = b"\x89PNG"
MODULE = "bot.telegram.drawing"


class PictureFailed(BotError):
    """No picture came of it; the message says why in a few words."""


class Pictures:
    """One child at a time; its input is JSON, its output a PNG."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def draw(self, kind: str, document: dict[str, object]) -> bytes:
        """Return the picture of a document.

        Raises:
            PictureFailed: the child broke, or took too long.
        """
        asked = msgspec.json.encode({"kind": kind, "document": document})
        async with self._one:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(DEADLINE_S):
                    png, trouble = await child.communicate(asked)
            except TimeoutError:
                raise PictureFailed(f"it took more than {DEADLINE_S:.0f} s") from None
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
        if child.returncode != 0 or not png.startswith(PNG):
            last = trouble.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise PictureFailed(last[:120] or f"the child ended with {child.returncode}")
        return png
