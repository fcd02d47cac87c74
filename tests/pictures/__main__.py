"""Starts `./run` with chat and page, waits for a trade, and takes the pictures of docs/pictures."""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.bot_api import BotApi
from tests.fakes.daemon import Daemon, Stand, until
from tests.pictures.paper import CHROMIUM_FLAGS, compact, terminal_page
from tests.process.manned import beside, first_word, open_doors

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
ENTRY_S = 300.0
SETTLE_MS = 1_500
STRESS = ("stress", "--synthetic", "4", "--leverage", "5")


class Camera:
    """A logged-in browser; each shot is a fresh window."""

    def __init__(self, browser: Any, url: str, token: str) -> None:
        self._browser, self._url, self._token = browser, url, token

    def shoot(self, name: str, view: str, **options: Any) -> None:
        """Take the view of the page and keep it as docs/pictures/NAME.png."""
        context = self._browser.new_context(**options)
        page = context.new_page()
        page.goto(f"{self._url}/")
        page.fill("#token", self._token)
        page.click("button[type=submit]")
        page.wait_for_selector("#equity")
        page.goto(f"{self._url}/#{view}")
        page.wait_for_selector(f"#view[data-view={view}] > *")
        if view == "market":
            page.wait_for_selector("#chart-funding .plot-container")
        page.wait_for_timeout(SETTLE_MS)
        compact(page.screenshot(), FOLDER / f"{name}.png")
        context.close()

    def terminal(self, name: str, title: str, text: str) -> None:
        """Draw what a terminal showed."""
        context = self._browser.new_context(device_scale_factor=1)
        page = context.new_page()
        page.set_content(terminal_page(title, text))
        compact(page.locator("svg").screenshot(), FOLDER / f"{name}.png")
        context.close()


def as_people_see(stand: Stand, *argv: str) -> str:
    """What a command writes to a terminal, colours included."""
    from tests.pictures.paper import in_a_terminal

    command = [sys.executable, "-m", "bot", *argv]
    return in_a_terminal(command, stand.env, stand.root)


def take_all(stand: Stand, url: str) -> None:
    from playwright.sync_api import sync_playwright

    token = (stand.state / "secrets" / "page_token").read_text().strip()
    with sync_playwright() as driver:
        chromium = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        camera = Camera(browser, url, token)
        camera.shoot("page-dark", "overview", viewport=WIDE, color_scheme="dark")
        camera.shoot("page-light", "market", viewport=WIDE, color_scheme="light")
        camera.shoot("page-phone", "overview", viewport=PHONE, color_scheme="dark", is_mobile=True)
        told = "".join(
            f"$ breakwater {name}\n{as_people_see(stand, name)}\n"
            for name in ("status", "positions", "why")
        )
        camera.terminal("terminal", "breakwater", told)
        told = f"$ breakwater {' '.join(STRESS)}\n{as_people_see(stand, *STRESS)}"
        camera.terminal("stress", "breakwater stress", told)
        browser.close()


async def campaign() -> None:
    async with BotApi(time.time) as api:
        with Stand() as stand:
            for name in [n for n in stand.env if n.startswith("BREAKWATER_BREAKWATER__PAPER__")]:
                del stand.env[name]
            for name in ("BREAKWATER_STRATEGIES__ENABLED", "BREAKWATER_LEVELS__BOOK"):
                del stand.env[name]
            url = open_doors(stand, api)
            daemon: Daemon = await beside(stand.start_daemon)
            await first_word(api)
            await beside(until, _held(daemon), "a trade", ENTRY_S)
            await asyncio.sleep(45.0)
            count = len(api.messages)
            api.says("/chart BTC")
            photo = await api.sent(lambda m: m["photo_bytes"] is not None, after=count)
            compact(photo["photo_bytes"], FOLDER / "telegram-chart.png")
            await beside(take_all, stand, url)
            await beside(daemon.terminate)


def _held(daemon: Daemon) -> Callable[[], bool]:
    return lambda: bool(daemon.positions())


def main() -> None:
    """Make them, and say how large they are."""
    argparse.ArgumentParser(prog="scripts/pictures", description=__doc__).parse_args()
    if shutil.which("chromium") is None:
        sys.exit("no chromium: sudo apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(campaign())
    for path in sorted(FOLDER.glob("*.png")):
        print(f"{path.relative_to(FOLDER.parents[1])}  {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
