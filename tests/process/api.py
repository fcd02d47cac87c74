"""What the API's own description allows, and forbids, at a real daemon: `./run campaign api`.

schemathesis reads /openapi.json and makes requests of every operation, sound and unsound ones; two
of three name an answer or a command that is there, half of those carry the word that confirms it.
None may be answered with 5xx (503 of /readyz is
an answer, described as such), the daemon must live, and what is held must be stopped or gone.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from bot.answers.ask import ANSWERS
from bot.dashboard.api import LOWERING, RAISING, SPECIAL
from tests.e2e.lives import ENV
from tests.fakes.daemon import Stand, until
from tests.process.manned import free_port

ENDLESS = "/api/v1/stream"
"""Never ends by itself; tests/unit/dashboard and tests/e2e/test_page.py hear it."""
NAMES = (*ANSWERS, *SPECIAL)
COMMANDS = (*LOWERING, *RAISING)
TOLD = {("/readyz", 503)}
TIMEOUT_S = 20.0
SLOWEST = 8


@dataclass
class Figures:
    """What was asked and answered."""

    operations: list[str] = field(default_factory=list)
    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    slowest_s: dict[str, float] = field(default_factory=dict)
    """The longest wait for an answer, by path."""
    took_s: float = 0.0
    violations: list[str] = field(default_factory=list)


def ask_everything(
    url: str, token: str, *, examples: int, number: int = 1, confirmed: bool = True
) -> Figures:
    """Ask every described operation `examples` times, half of them soundly."""
    figures, counts = Figures(), Counter[str]()
    began = time.monotonic()
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path=ENDLESS)
    for found in schema.get_all_operations():
        operation = found.ok()
        figures.operations.append(operation.label)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(operation, mode, url, token, (examples + 1) // 2, number, counts, figures,
                 confirmed=confirmed)  # fmt: skip
    figures.requests = sum(counts.values())
    figures.statuses = dict(sorted(counts.items()))
    ranked = sorted(figures.slowest_s.items(), key=lambda row: -row[1])
    figures.slowest_s = dict(ranked[:SLOWEST])
    figures.took_s = round(time.monotonic() - began, 1)
    return figures


def _ask(
    operation: Any, mode: GenerationMode, url: str, token: str, examples: int, number: int,
    counts: Counter[str], figures: Figures, *, confirmed: bool,
) -> None:  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"}
    calm = settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @seed(number)
    @calm
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        turn = counts.total()
        if "name" in case.path_parameters and turn % 3:
            known = COMMANDS if "commands" in operation.path else NAMES
            case.path_parameters["name"] = name = known[turn % len(known)]
            if confirmed and isinstance(case.body, dict) and turn % 2:
                case.body = {**case.body, "confirm": name.upper()}
        asked = time.monotonic()
        try:
            answer = case.call(base_url=url, headers=headers, timeout=TIMEOUT_S)
        except OSError as error:  # what requests raises for a lost or late answer is one
            figures.violations.append(f"{case.formatted_path}: {error!r:.200}")
            return
        path, took_s = case.formatted_path[:60], round(time.monotonic() - asked, 2)
        figures.slowest_s[path] = max(figures.slowest_s.get(path, 0.0), took_s)
        counts[str(answer.status_code)] += 1
        if answer.status_code >= 500 and (case.path, answer.status_code) not in TOLD:
            told = f"{case.as_curl_command()}: {answer.status_code} {answer.text[:200]}"
            figures.violations.append(told.replace(token, "***"))

    try:
        one()
    except Exception as error:  # noqa: BLE001 - a case that cannot be made is told as well
        if type(error).__name__ != "Unsatisfiable":
            figures.violations.append(f"{operation.label} {mode.value}: {error!r:.300}")


def campaign(examples: int, number: int) -> Figures:
    """Ask a daemon of its own that holds a position."""
    port = free_port()
    page = {"BREAKWATER_DASHBOARD__ENABLED": "true", "BREAKWATER_DASHBOARD__PORT": str(port)}
    with Stand(**{**ENV, **page, "BREAKWATER_STRATEGIES__ENABLED": "[]"}) as stand:
        stand.start_venue(roomy=True)
        daemon = stand.start_daemon()
        stand.venue.by_hand("BUY", "0.02")
        daemon.await_protected("0.02")
        token = (stand.state / "secrets" / "page_token").read_text().strip()
        figures = ask_everything(
            f"http://127.0.0.1:{port}", token, examples=examples, number=number
        )
        if not daemon.alive:
            figures.violations.append(f"the daemon ended: {daemon.text()[-2000:]}")
            return figures
        until(lambda: stand.venue.position() == 0 or stand.venue.covers(), "stopped or gone")
        if "has a fault" in daemon.text() or "Traceback" in daemon.text():
            figures.violations.append("a fault is in the log")
        daemon.terminate()
    return figures


def main() -> int:
    """Print the figures; 1 when anything was answered as no answer may be."""
    told = argparse.ArgumentParser(prog="./run campaign api", description=__doc__)
    told.add_argument("--examples", type=int, default=400, help="of each operation")
    told.add_argument("--seed", type=int, default=1)
    asked = told.parse_args()
    figures = campaign(asked.examples, asked.seed)
    print(json.dumps(asdict(figures), indent=2))
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())
