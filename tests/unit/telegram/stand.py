"""The real chat and the real library against the Bot API of this machine, in virtual time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from bot.alerts.desk import AlertDesk
from bot.alerts.plan import AlertPlan, LanePlan
from bot.answers.ask import Fetched, ask, table_wanted
from bot.answers.question import Question
from bot.domain.messages import Answer, Command, Notify
from bot.domain.risk import Severity
from bot.runtime.doors import keep_door
from bot.telegram.chat import Chat
from bot.telegram.config import ChatConfig
from tests.fakes.bot_api import OPERATOR, TOKEN, BotApi
from tests.fakes.kernel_world import BTC, World
from tests.fakes.ports import LoopClock, virtually
from tests.fakes.receivers import MemoryKeep

PNG = b"\x89PNG drawn"


class House:
    """The inbox and the kernel: orders are stepped through a real kernel at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.orders: list[tuple[str, dict[str, str], str, str]] = []
        self.told: list[tuple[Severity, str, str]] = []
        self.effects: list[Any] = []
        self.deaf = False
        self.desk: AlertDesk | None = None
        self.clock = LoopClock()

    async def order(
        self, name: str, args: dict[str, str], *, operator: str, key: str = ""
    ) -> Answer:
        self.orders.append((name, args, operator, key))
        if self.deaf:
            raise TimeoutError
        ns = self.world.later(0.001)
        effects = self.world.step(
            Command(
                command_id=key, name=name, args=args, operator=operator, event_ns=ns,
                received_ns=ns,
            )
        )  # fmt: skip
        self.effects += effects
        return next(e for e in effects if isinstance(e, Answer))

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        self.told.append((severity, kind, text))
        if self.desk is not None:
            ns = self.clock.now_ns()
            self.desk.put(Notify(event_ns=ns, severity=severity, kind=kind, text=text))


class Stand:
    """A chat with its desk of alerts; `api` is the server, `house` what orders reach."""

    def __init__(self, api: BotApi, world: World | None = None, **changes: Any) -> None:
        self.api = api
        self.clock = LoopClock()
        self.house = House(world or World())
        self.keep = changes.pop("keep", None) or MemoryKeep()
        self.alert_keep = changes.pop("alert_keep", None) or MemoryKeep()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.drawn: list[tuple[str, dict[str, object]]] = []
        self.slow_s = 0.0
        plan = changes.pop("plan", None) or AlertPlan()
        lane = changes.pop("lane", None) or LanePlan(name="telegram", severity=Severity.INFO)
        others = changes.pop("others", dict)
        config = ChatConfig(
            **({"token": TOKEN, "user_id": OPERATOR, "chat_id": OPERATOR, "api": api.url} | changes)
        )
        self.chat = Chat(
            config,
            self.clock,
            self.keep,
            ask=self.ask,
            symbols=lambda: [BTC],
            draw=self.draw,
            others=others,
        )
        self.desk = AlertDesk(plan, [(lane, self.chat)], self.clock, self.alert_keep)
        self.chat.meet(self.desk)
        self.house.desk = self.desk

    async def ask(self, name: str, args: dict[str, str]) -> dict[str, object]:
        self.asked.append((name, args))
        await self.clock.sleep_s(self.slow_s)
        special = SPECIAL.get(name)
        if special is not None:
            return special
        kernel = self.house.world.kernel
        rows = [{"event_ns": kernel.state.now_ns, "what": "x", "why": "y", "symbol": BTC}]
        shelf = Fetched(rows=rows if table_wanted(name, args) else CURVE, chain=rows)
        found = ask(
            name, Question(state=kernel.state, policy=kernel.policy, args=args, shelf=shelf)
        )
        return await found if inspect.isawaitable(found) else found

    async def draw(self, kind: str, document: dict[str, object]) -> bytes:
        self.drawn.append((kind, document))
        return PNG

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        ns = self.clock.now_ns()
        self.desk.put(Notify(event_ns=ns, severity=severity, kind=kind, text=text, symbol=symbol))

    @property
    def ordered(self) -> list[str]:
        return [name for name, *_ in self.house.orders]


CURVE = [
    {"event_ns": 1_770_000_000_000_000_000, "equity_usd": "10000", "wallet_usd": "10000"},
    {"event_ns": 1_770_000_060_000_000_000, "equity_usd": "9990.5", "wallet_usd": "10000"},
]
SPECIAL: dict[str, dict[str, Any]] = {
    "accounts": {
        "accounts": [
            {
                "account": "hedge",
                "venue": "bybit",
                "seen": True,
                "mode": "ACTIVE",
                "latched": False,
                "equity_usd": 5_000.0,
                "drawdown_frac": 0.01,
                "positions": 1,
                "unprotected": ["BTC/USDT:USDT LONG"],
            },
            {"account": "main", "venue": "binance", "error": "not yet"},
        ],
        "equity_usd": None,
        "at_least_usd": 4_000.0,
        "unseen": ["main"],
        "spent": True,
        "net_usd": {"BTC": 700.0},
        "shocks": [{"move_frac": -0.2, "equity_usd": 4_200.0}],
        "loss_budget_frac": 0.1,
    },
    "events": {
        "as_of": None,
        "events": [
            {
                "at": "2026-02-02T07:00:00.000Z",
                "severity": "WARNING",
                "kind": "cut",
                "symbol": BTC,
                "text": "cut by half",
            }
        ],
    },
    "health": {
        "as_of": None,
        "ready": True,
        "up_s": 7200.0,
        "rss_mb": 120.5,
        "lag_s": 0.01,
        "inbox": 0,
        "journal": "ok",
        "coverage_passes": 12,
        "blind": None,
        "alerts_waiting": {"telegram": 0},
        "alerts_open": [],
    },
    "config": {
        "config": "abcdef012345",
        "settings": {
            "breakwater": {"mode": "paper"},
            "risk": {
                "profile": "L20",
                "loss_budget_frac": None,
                "enforce": "full",
                "symbols": [BTC],
                "sizing": {"risk_frac": 0.005},
            },
            "strategies": {"enabled": ["level_bounce"]},
        },
    },
    "version": {"version": "0.1.0", "python": "3.11", "run_id": "run00001", "mode": "paper"},
    "reload": {"applied": ["telegram"], "at_next_start": ["risk"], "config": "x"},
    "doctor": {
        "healthy": False,
        "checks": [
            {"name": "stops", "ok": True, "found": "1 of 1 positions stopped", "remedy": ""},
            {"name": "disk", "ok": False, "found": "1 % free", "remedy": "free disk"},
        ],
    },
}


def chatting(
    script: Callable[[Stand], Awaitable[None]], world: World | None = None, **changes: Any
) -> Stand:
    """Run the chat and its desk under their keepers, and `script` beside them."""

    async def main() -> Stand:
        clock = LoopClock()
        async with BotApi(lambda: clock.now_ns() / 1e9) as api:
            stand = Stand(api, world, **changes)
            async with asyncio.TaskGroup() as group:
                doors = [
                    group.create_task(keep_door(door, stand.house, stand.clock))
                    for door in (stand.chat, stand.desk)
                ]
                async with asyncio.timeout(36_000):
                    await script(stand)
                for door in doors:
                    door.cancel()
        return stand

    return virtually(main())
