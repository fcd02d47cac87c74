"""One budget over accounts of one database: real server, real leases, real kernels.

Budget: 30 s, of which 6 of one core: the rest waits for leases.
"""

import asyncio
import time
from decimal import Decimal
from types import SimpleNamespace

import pytest

from bot.app.accounts.fleet_budget import DOUBT_NS, FleetBudget
from bot.app.accounts.fleet_door import FleetDoor
from bot.app.accounts.fleet_risk import counted, fleet_risk
from bot.app.clock import SystemClock
from bot.domain.messages import Answer, Command
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S
from bot.journal import fleet
from bot.journal.lease import Candidate
from bot.journal.line import Line
from bot.journal.server import Server
from bot.journal.tenure import obtain
from bot.kernel.command import rearm_code
from tests.fakes.kernel_world import World, position

pytestmark = pytest.mark.xdist_group("postgres")
MODE = "paper"
BUDGET = 0.05
QTY, ENTRY = "0.5", 76_000.0


class Member:
    """An account of the fleet: a kernel moved by hand, its lease, its door."""

    def __init__(self, server: Server, name: str, *, budget: float = BUDGET, mode: str = MODE):
        self.world = World()
        self.world.warm()
        held = position(PositionSide.LONG, QTY, str(ENTRY), ns=self.world.now_ns)
        self.world.account("10000", [held])
        self.hold(10_000.0)
        self.name, self.said, self.orders = name, [], []
        self.clock = Later(self.world)
        who = Candidate(
            holder=f"run-{name}", key_digest=name, mode=mode, ttl_s=2.0, host="h", machine=name,
            pid=1,
        )  # fmt: skip
        own = Server(url=server.url, account=name)
        self.tenure = obtain(own, who, SystemClock(), standby=False)
        self.parts = SimpleNamespace(
            kernel=self.world.kernel, health={"ready": True, "blind": ""}, clock=self.clock,
            ask=lambda _name, _args: {"mode": "ACTIVE"},
        )  # fmt: skip
        self.budget = FleetBudget(self.tenure, name, self.parts, mode=MODE, budget_frac=budget)
        self.door = FleetDoor(self.tenure, self.parts, self.budget)

    @property
    def state(self):
        return self.world.kernel.state

    def hold(self, equity_usd: float) -> None:
        """Let the price move so that this equity is left."""
        self.world.later(3.0)
        self.world.mark(ENTRY - (10_000.0 - equity_usd) / float(QTY))

    async def order(self, name, args, *, operator, key=""):
        self.orders.append((name, key))
        ns = self.world.later(0.1)
        command = Command(
            command_id=key or f"c{ns}", name=name, args=args, operator=operator, event_ns=ns,
            received_ns=ns,
        )  # fmt: skip
        (told,) = [e for e in self.world.step(command) if isinstance(e, Answer)]
        return told

    def say(self, severity, kind, text, symbol=""):
        self.said.append((severity.value, kind, text))

    async def look(self) -> None:
        self.tenure.tell(await self.door._summary())
        await self.budget.look(self)

    async def rearm(self) -> None:
        told = await self.order(
            "rearm", {"code": rearm_code(self.world.kernel.desk)}, operator="me"
        )
        assert told.accepted, told


class Later(SystemClock):
    """Passes as the real one does; tests add to that. Its date is the kernel's."""

    added_ns = 0

    def __init__(self, world: World) -> None:
        self.world = world

    def now_ns(self) -> int:
        return self.world.now_ns

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.added_ns


@pytest.fixture
def members(blank_database):
    made = []

    def make(name, **more):
        made.append(Member(blank_database, name, **more))
        return made[-1]

    yield make
    for each in made:
        each.tenure.close()


def looks_until(wanted, *members, within_s=20.0):
    """Let every member look again and again until something is so."""

    async def go() -> None:
        end = time.monotonic() + within_s
        while not wanted():
            assert time.monotonic() < end, [each.said for each in members]
            for each in members:
                await each.look()
            await asyncio.sleep(0.05)

    asyncio.run(go())


def rows_of(member):
    line = Line(member.tenure._line.server)
    try:
        return fleet.overview_and_spent(line, MODE)
    finally:
        line.close()


def equities(member):
    """What its lease has read of all."""
    found = member.tenure.others()
    rows = found.rows if found else []
    return [row["state"]["house"]["equity_usd"] if row["state"] else 0.0 for row in rows]


def seen(*members):
    def look() -> bool:
        rows, _ = rows_of(members[0])
        found = fleet_risk(rows, loss_budget_frac=BUDGET, venue_max_frac=1.0)
        return found["accounts"] == len(members) and not found["unknown"]

    return look


def test_a_budget_used_by_all_together_closes_each_once_until_all_are_rearmed(members) -> None:
    anna, berta = members("anna"), members("berta")
    looks_until(seen(anna, berta), anna, berta)
    anna.hold(9_300.0)  # a loss of 7 %, of both together 3.5 %
    looks_until(lambda: anna.tenure.others() is not None, anna, berta)
    assert not anna.state.latched
    berta.hold(9_600.0)
    looks_until(lambda: anna.state.latched and berta.state.latched, anna, berta)
    looks_until(lambda: rows_of(anna)[1].latched == {"anna", "berta"}, anna, berta)
    for each in (anna, berta):
        assert [name for name, _ in each.orders] == ["latch"], "once"
        assert "joint_budget" in [kind for _, kind, _ in each.said]

    asyncio.run(anna.rearm())
    looks_until(lambda: rows_of(anna)[1].rearmed == {"anna"}, anna, berta)
    assert not anna.state.latched, "what its operator re-armed is not latched again"
    asyncio.run(berta.rearm())
    looks_until(lambda: rows_of(anna)[1] is None, anna, berta)
    looks_until(seen(anna, berta), anna, berta)
    assert not anna.state.latched
    assert not berta.state.latched


def test_what_nobody_shows_now_is_never_judged_and_is_told(members) -> None:
    anna, berta = members("anna"), members("berta")
    looks_until(seen(anna, berta), anna, berta)
    berta.parts.health["blind"] = "the venue is silent"
    anna.hold(8_800.0)
    looks_until(lambda: equities(anna) == [8_800.0, None] and anna.budget._doubt_ns, anna, berta)
    anna.budget._doubt_ns -= DOUBT_NS
    looks_until(lambda: "joint_unknown" in [kind for _, kind, _ in anna.said], anna, berta)
    assert rows_of(anna)[1] is None
    assert not anna.orders
    berta.parts.health["blind"] = ""
    looks_until(lambda: anna.orders and berta.orders, anna, berta)


def test_a_database_that_was_not_read_for_long_judges_nobody(members) -> None:
    anna = members("anna")
    looks_until(seen(anna), anna)
    anna.hold(8_800.0)
    anna.clock.added_ns = 3600 * NS_PER_S
    for _ in range(3):
        asyncio.run(anna.budget.look(anna))
    assert not anna.orders
    assert rows_of(anna)[1] is None


def test_one_that_is_not_bound_counts_and_is_not_closed(members) -> None:
    anna, berta = members("anna"), members("berta", budget=0.0)
    looks_until(seen(anna, berta), anna, berta)
    berta.hold(8_800.0)
    looks_until(lambda: anna.state.latched, anna, berta)
    assert not berta.orders
    asyncio.run(anna.rearm())
    looks_until(lambda: rows_of(anna)[1].rearmed == {"anna"} or True, anna, berta)
    found = fleet_risk(rows_of(anna)[0], loss_budget_frac=BUDGET, venue_max_frac=1.0)
    assert found["bound"] == ["anna"]


def test_what_hangs_is_not_told_as_fresh(members) -> None:
    """The lease lives in a thread of its own: it must not go on telling what a stuck loop said."""
    anna = members("anna")
    looks_until(seen(anna), anna)
    end = time.monotonic() + 15.0
    while rows_of(anna)[0][0]["state"] is not None:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert anna.tenure.held()


def test_a_forgotten_account_is_left_out_until_it_is_driven_again(members, blank_database) -> None:
    anna, berta = members("anna"), members("berta")
    looks_until(seen(anna, berta), anna, berta)
    line = Line(blank_database)
    try:
        assert not fleet.forget(line, "berta"), "it is driven"
        berta.tenure.close()
        assert fleet.forget(line, "berta")
        rows = counted(fleet.overview(line), MODE)
    finally:
        line.close()
    assert [row["account"] for row in rows] == ["anna"]
    anna.hold(9_400.0)
    looks_until(lambda: anna.state.latched, anna)
    again = members("berta")
    assert again.tenure.token == 2, "its token goes on"
    looks_until(lambda: again.state.latched, anna, again)


def test_other_modes_and_watchers_are_other_books(members) -> None:
    anna, other, watcher = members("anna"), members("t", mode="testnet"), members(
        "w", mode="paper read-only", budget=0.0
    )  # fmt: skip
    looks_until(lambda: len(rows_of(anna)[0]) == 3, anna, other, watcher)
    looks_until(lambda: all(r["state"] for r in rows_of(anna)[0]), anna, other, watcher)
    assert [row["account"] for row in counted(rows_of(anna)[0], MODE)] == ["anna"]


def test_a_held_position_is_shown_with_what_its_floor_leaves(members) -> None:
    anna = members("anna")
    looks_until(seen(anna), anna)
    told = rows_of(anna)[0][0]["state"]["house"]
    assert Decimal(told["holdings"][0]["qty"]) == Decimal(QTY)
    assert told["floor_usd"] == pytest.approx(8_100.0)
