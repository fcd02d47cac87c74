"""A report opened as a file in a real Chromium: dark, light and on a phone; nobody is called.

Budget: 8 s of one core.
"""

from pathlib import Path
from typing import Any

import pytest

from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.options import ReplayOptions
from bot.lab.pages.report import write_report
from bot.lab.replay import replay_material
from tests.e2e.test_page import CHROMIUM, FLAGS

pytest.importorskip("playwright", reason="the browser driver is not installed")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-page"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: sudo apt-get install chromium"),
]
DARK, LIGHT = "rgb(18, 22, 27)", "rgb(255, 255, 255)"
LOOKS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "dark": ({"color_scheme": "dark"}, DARK, True),
    "light": ({"color_scheme": "light"}, LIGHT, True),
    "phone": (
        {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "is_mobile": True},
        DARK,
        False,
    ),
}
"""How it is looked at -> options of the browser, the colour behind the chart, legend shown."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=5, sense_on=False)
    material = authored_material([authored_track("BTC/USDT:USDT", bars=300, fall_frac=0.3)])
    write_report(replay_material(material, options), path)
    return path


def test_a_report_is_a_page_for_any_screen(report: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, (look, behind, legend) in LOOKS.items():
            told: list[str] = []
            page = chromium.new_context(**look).new_page()
            page.on("console", lambda m, told=told: told.append(m.text))
            page.on("pageerror", lambda error, told=told: told.append(str(error)))
            page.on("request", lambda r, told=told: told.append(r.url) if _calls(r.url) else None)
            page.goto(report.as_uri())
            page.wait_for_selector("#chart .main-svg")
            assert told == [], name
            style = "getComputedStyle(document.body).backgroundColor"
            assert page.evaluate(style) == behind, name
            assert page.evaluate("document.getElementById('chart').layout.plot_bgcolor") == (
                "#12161b" if behind == DARK else "#fff"
            )
            wide = "document.documentElement.scrollWidth > window.innerWidth"
            assert page.evaluate(wide) is False, name
            assert (page.locator("#chart .legend").count() > 0) is legend, name
        chromium.close()


def _calls(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))
