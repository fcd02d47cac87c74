"""The page's API under attack and in use: over real ASGI, with the answers of a real kernel."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.ask import ask
from bot.answers.question import Answered, Question
from bot.dashboard.config import PageConfig
from bot.dashboard.history import History
from bot.dashboard.login import TRIES_MAX, Doorkeeper
from bot.dashboard.rooms import Rooms
from bot.dashboard.site import make_site
from bot.dashboard.stream import CLIENTS_MAX, QUEUE_MAX, Stream, StreamFull
from bot.domain.messages import Answer
from bot.domain.policy import Policy
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.metrics.exposition import exposition

TOKEN = "a-token-of-the-tests-0123456789"
HOST = "127.0.0.1:8080"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class HandClock:
    """bot.ports.Clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._ns = NS_PER_S
        self._moved = asyncio.Event()

    def now_ns(self) -> int:
        return self._ns

    def monotonic_ns(self) -> int:
        return self._ns

    def advance(self, seconds: float) -> None:
        self._ns += round(seconds * NS_PER_S)
        self._moved.set()
        self._moved = asyncio.Event()

    async def sleep_s(self, seconds: float) -> None:
        end_ns = self._ns + round(seconds * NS_PER_S)
        while self._ns < end_ns:
            await self._moved.wait()


class Desk:
    """A house that writes down its orders and accepts them."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, dict[str, str], str, str]] = []

    async def order(
        self, name: str, args: dict[str, str], *, operator: str, key: str = ""
    ) -> Answer:
        self.orders.append((name, args, operator, key))
        return Answer("c1", True, f"{name} taken")

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        raise AssertionError("the page has nothing to tell")


class Visit:
    """A browser at the page; `house` knows what it was told to do."""

    def __init__(self, reports: Path) -> None:
        self.clock = HandClock()
        self.kernel = Kernel(Policy(), (), "00000000")
        self.house = Desk()
        self.rooms = Rooms(
            config=PageConfig(address="127.0.0.1", port=8080, reports=reports, token=TOKEN),
            ask=self.ask,
            house=self.house,
            keeper=Doorkeeper(TOKEN, self.clock),
            history=History(self.ask, self.clock),
            stream=Stream(self.ask, self.clock),
            metrics=exposition(self.ask),
        )
        transport = httpx.ASGITransport(app=make_site(self.rooms))
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")

    async def ask(self, name: str, args: dict[str, str]) -> Answered:
        if name in ("accounts", "doctor"):
            return {"healthy": True}
        return ask(name, Question(state=self.kernel.state, policy=self.kernel.policy, args=args))

    async def log_in(self) -> str:
        """Come in as a browser does; return the proof that commands need."""
        answer = await self.client.post("/login", data={"token": TOKEN})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        return str((await self.client.get("/api/v1/session")).json()["csrf"])


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(tmp_path)


async def test_nobody_sees_anything_before_the_login(visit: Visit) -> None:
    for path in ("session", "answers", "answers/status", "history", "stream", "reports", "page"):
        answer = await visit.client.get(f"/api/v1/{path}")
        assert answer.status_code == 401, path
        assert "log in" in answer.json()["error"]
    assert (await visit.client.get("/")).headers["location"] == "/login"
    assert (await visit.client.get("/reports/a.html")).status_code == 401
    assert (await visit.client.post("/api/v1/commands/pause", json={})).status_code == 401
    assert visit.house.orders == []


async def test_the_cookie_is_strict_and_unreadable_for_scripts(visit: Visit) -> None:
    answer = await visit.client.post("/login", data={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    await visit.client.post("/logout", content=b"")
    assert (await visit.client.get("/api/v1/session")).status_code == 401


async def test_wrong_tokens_end_in_a_pause_for_everybody(visit: Visit) -> None:
    for _ in range(TRIES_MAX):
        answer = await visit.client.post("/login", data={"token": "guess"})
        assert answer.headers["location"] == "/login?wrong"
    assert (await visit.client.post("/login", data={"token": TOKEN})).status_code == 429
    assert (await visit.client.get("/api/v1/answers", headers=BEARER)).status_code == 429
    visit.clock.advance(61.0)
    assert (await visit.client.post("/login", data={"token": TOKEN})).headers["location"] == "/"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example"])
async def test_a_foreign_name_is_refused_whoever_asks(visit: Visit, host: str) -> None:
    await visit.log_in()
    answer = await visit.client.get("/api/v1/answers", headers={"Host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
async def test_a_foreign_page_cannot_order(visit: Visit, origin: str) -> None:
    csrf = await visit.log_in()
    answer = await visit.client.post(
        "/api/v1/commands/flatten",
        json={"confirm": "FLATTEN"},
        headers={"Origin": origin, "X-CSRF": csrf},
    )
    assert answer.status_code == 403
    assert visit.house.orders == []


async def test_a_command_needs_the_proof_and_the_word(visit: Visit) -> None:
    csrf = await visit.log_in()
    path, typed = "/api/v1/commands/reduce", {"confirm": "REDUCE", "args": {"fraction": "0.5"}}
    assert (await visit.client.post(path, json=typed)).status_code == 403
    proof = {"X-CSRF": csrf}
    untyped = await visit.client.post(path, json={"args": {"fraction": "0.5"}}, headers=proof)
    assert untyped.status_code == 409
    assert "REDUCE" in untyped.json()["error"]
    assert visit.house.orders == []
    taken = await visit.client.post(path, json={**typed, "key": "k"}, headers=proof)
    assert taken.json() == {"command": "reduce", "accepted": True, "text": "reduce taken"}
    assert visit.house.orders == [("reduce", {"fraction": "0.5"}, "page:session", "page-k")]


async def test_answers_are_the_command_lines(visit: Visit) -> None:
    await visit.log_in()
    for name in ("status", "positions", "risk", "levels", "pulse"):
        told = (await visit.client.get(f"/api/v1/answers/{name}")).json()
        assert told == msgspec.json.decode(msgspec.json.encode(await visit.ask(name, {}))), name
    missing = await visit.client.get("/api/v1/answers/nothing")
    assert missing.status_code == 404
    unclear = await visit.client.get("/api/v1/answers/journal?table=secrets")
    assert unclear.status_code == 400
    assert "allowed" in unclear.json()["error"]


async def test_reports_stay_in_their_folder_and_in_a_sandbox(visit: Visit, tmp_path: Path) -> None:
    await visit.log_in()
    (tmp_path / "a.html").write_text("<p>a</p>")
    (tmp_path.parent / "b.html").write_text("secret")
    assert [row["name"] for row in (await visit.client.get("/api/v1/reports")).json()["reports"]] \
        == ["a.html"]  # fmt: skip
    shown = await visit.client.get("/reports/a.html")
    assert shown.text == "<p>a</p>"
    assert shown.headers["content-security-policy"].startswith("sandbox")
    for name in ("..%2Fb.html", "%2e%2e/b.html", "a.txt", "%2Fetc%2Fpasswd"):
        assert (await visit.client.get(f"/reports/{name}")).status_code == 404, name


async def test_metrics_are_for_whoever_has_the_token_and_unknown_is_absent(visit: Visit) -> None:
    assert (await visit.client.get("/metrics")).status_code == 401
    told = (await visit.client.get("/metrics", headers=BEARER)).text
    assert 'breakwater_mode{mode="REDUCING"} 1.0' in told
    assert "breakwater_equity_usd" not in told, "nobody has told the wallet yet"


async def test_the_script_of_the_charts_travels_small_to_who_can_unpack_it(
    visit: Visit,
) -> None:
    packed = await visit.client.get("/static/plotly.js")
    plain = await visit.client.get("/static/plotly.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content


async def test_a_file_that_the_browser_has_does_not_travel_again(visit: Visit) -> None:
    first = await visit.client.get("/static/core.js")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = {"If-None-Match": first.headers["etag"]}
    same = await visit.client.get("/static/core.js", headers=again)
    assert (same.status_code, same.content) == (304, b"")
    other = await visit.client.get("/static/app.js", headers=again)
    assert (other.status_code, len(other.content) > 0) == (200, True)
    await visit.log_in()
    assert (await visit.client.get("/", headers=again)).status_code == 200


async def test_readiness_follows_the_account(visit: Visit) -> None:
    assert (await visit.client.get("/healthz")).json() == {"ok": True}
    answer = await visit.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "account not read"


async def test_a_slow_page_misses_old_states_and_a_crowd_is_refused(visit: Visit) -> None:
    stream = visit.rooms.stream
    slow = stream.listen()
    assert (await anext(slow)).startswith(b"retry")
    watching = asyncio.create_task(stream.run())
    for _ in range(QUEUE_MAX * 3):
        visit.kernel.state.seq += 1
        visit.kernel.state.mode_reason = f"reason {visit.kernel.state.seq}"
        await asyncio.sleep(0)
        visit.clock.advance(1.0)
        for _ in range(20):
            await asyncio.sleep(0)
    seen = [await anext(slow) for _ in range(QUEUE_MAX)]
    assert b"reason 12" in seen[-1], "the newest state is never the one that is dropped"
    crowd = [stream.listen() for _ in range(CLIENTS_MAX - 1)]
    for one in crowd:
        await anext(one)
    with pytest.raises(StreamFull):
        stream.require_room()
    watching.cancel()
    for one in (slow, *crowd):
        await one.aclose()


Body = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=90),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    name=st.sampled_from(["pause", "reduce", "resume", "mode", "x"]) | st.text(max_size=50),
    body=Body | st.fixed_dictionaries({"confirm": st.text(max_size=9), "args": Body}),
)
def test_no_body_breaks_a_command_or_gets_past_the_word(
    shared: Visit, name: str, body: object
) -> None:
    async def send() -> httpx.Response:
        path = f"/api/v1/commands/{quote(name, safe='')}"
        return await shared.client.post(path, json=body, headers=BEARER)

    shared.house.orders.clear()
    answer = asyncio.run(send())
    typed = isinstance(body, dict) and body.get("confirm") == name.upper()
    assert answer.status_code < 500
    assert typed or shared.house.orders == []


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return Visit(tmp_path_factory.mktemp("reports"))
