"""Tighter limits hold at once; looser ones wait, are confirmed, and are journaled."""

import msgspec
import pytest

from bot.domain.messages import Answer, Command, Effect, Notify, Started, TimerFired
from bot.domain.orders import PositionSide
from bot.domain.policy import LimitPolicy, Policy, Step, guard_of
from bot.domain.risk import Enforce
from bot.kernel import limits
from bot.kernel.step import Kernel
from tests.fakes.kernel_world import PATIENT, World, decisions_of, policy, position, snapshot

HOUR_NS = 3_600 * 10**9


class Lives:
    """A kernel that is started again and again with what a file says."""

    def __init__(self, first: Policy, *, held: bool = True) -> None:
        world = World(first)
        world.account()
        if held:
            found = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns + 1, margin="2000")
            world.account("10000", [found])
        self.kernel, self.now_ns = world.kernel, world.now_ns
        self.held = held

    def start(self, a_policy: Policy, *, after_h: float = 0.1) -> list[Effect]:
        blob = self.kernel.freeze()
        self.kernel = Kernel(a_policy, [], "test0002")
        self.kernel.restore_account(blob)
        return self.step(after_h)

    def step(self, after_h: float) -> list[Effect]:
        self.now_ns += round(after_h * HOUR_NS)
        ns = self.now_ns
        out = self.kernel.step(Started(run_id="test0002", event_ns=ns, received_ns=ns))
        positions = list(self.kernel.state.legs.values())
        found = [
            position(leg.side, str(leg.qty), "76000", ns=ns, margin="2000")
            for leg in positions
            if leg.qty > 0
        ]
        return out + self.kernel.step(snapshot("10000", found, [], ns))

    def second(self, after_h: float = 0.0) -> list[Effect]:
        self.now_ns += round(after_h * HOUR_NS) + 10**9
        return self.kernel.step(TimerFired("second", self.now_ns, self.now_ns))

    def command(self, **args: str) -> Answer:
        self.now_ns += 10**9
        ns = self.now_ns
        out = self.kernel.step(
            Command(
                command_id=f"c{ns}", name="limits", args=args, operator="me", event_ns=ns,
                received_ns=ns,
            )
        )  # fmt: skip
        (found,) = [e for e in out if isinstance(e, Answer)]
        return found

    def confirm(self) -> Answer:
        return self.command(code=limits.code_of(self.kernel.state))

    @property
    def budget(self) -> float:
        return self.kernel.policy.guard.loss_budget_frac


TIGHT, LOOSE = policy(guard=guard_of("L20")), policy(guard=guard_of("L30"))


def test_tightening_acts_at_once_and_is_journaled() -> None:
    lives = Lives(LOOSE)
    effects = lives.start(TIGHT)
    assert lives.budget == 0.20
    assert lives.kernel.desk.policy is lives.kernel.policy
    told = decisions_of(effects, "limit")
    assert any("guard.loss_budget_frac: 0.3 -> 0.2" in line for line in told)


def test_a_restart_with_a_loosened_file_does_not_loosen_at_once_and_says_so_in_a_line() -> None:
    lives = Lives(TIGHT)
    effects = lives.start(LOOSE)
    assert lives.budget == 0.20
    (line,) = [e.text for e in effects if isinstance(e, Notify) and e.kind == "limits"]
    assert "guard.loss_budget_frac stays 0.2 (asked: 0.3) for 12.0 h or until flat" in line
    assert "breakwater limits" in line
    assert "\n" not in line


def test_the_delay_alone_loosens_nothing_and_the_code_alone_neither() -> None:
    lives = Lives(TIGHT)
    lives.start(LOOSE)
    lives.second(13.0)
    assert lives.budget == 0.20, "nobody confirmed"
    again = Lives(TIGHT)
    again.start(LOOSE)
    assert again.confirm().accepted
    again.second(1.0)
    assert again.budget == 0.20, "the delay has not passed"
    told = again.second(11.5)
    assert again.budget == 0.30
    assert any("0.2 -> 0.3 | loosened" in line for line in decisions_of(told, "limit"))


def test_restarts_do_not_shorten_and_do_not_lengthen_the_delay() -> None:
    lives = Lives(TIGHT)
    for _ in range(4):
        lives.start(LOOSE, after_h=2.9)
    lives.confirm()
    lives.second(0.0)
    assert lives.budget == 0.20
    lives.start(LOOSE, after_h=3.5)
    lives.second()
    assert lives.budget == 0.30


def test_when_flat_the_code_is_enough() -> None:
    lives = Lives(TIGHT, held=False)
    lives.start(LOOSE)
    lives.second()
    assert lives.budget == 0.20
    lives.confirm()
    lives.second()
    assert lives.budget == 0.30


def test_a_wrong_code_and_another_wish_confirm_nothing() -> None:
    lives = Lives(TIGHT, held=False)
    lives.start(LOOSE)
    refused = lives.command(code="000000")
    assert not refused.accepted
    assert limits.code_of(lives.kernel.state) in refused.text
    lives.confirm()
    lives.start(policy(guard=guard_of("L25")))
    lives.second()
    assert lives.budget == 0.20, "what was confirmed is not what is asked now"


def test_a_wish_taken_back_is_forgotten() -> None:
    lives = Lives(TIGHT)
    lives.start(LOOSE)
    lives.start(TIGHT)
    assert not lives.kernel.state.limits.asked
    assert "no looser limit" in lives.command().text


@pytest.mark.parametrize(
    ("changes", "part", "field", "stays"),
    [
        ({"guard": msgspec.structs.replace(guard_of("L20"), enforce=Enforce.ALERT)},
         "guard", "enforce", Enforce.FULL),
        ({"limits": LimitPolicy(notional_cap_default_usd=9e9)},
         "limits", "notional_cap_default_usd", 50_000.0),
        ({"limits": LimitPolicy(notional_cap_usd={"X": 9e9})},
         "limits", "notional_cap_usd", {"X": 50_000.0}),
        ({"limits": LimitPolicy(symbols=("BTC/USDT:USDT", "ETH/USDT:USDT"))},
         "limits", "symbols", ("BTC/USDT:USDT",)),
        ({"limits": LimitPolicy(loosen_delay_ns=0)}, "limits", "loosen_delay_ns", 12 * HOUR_NS),
        ({"rules": msgspec.structs.replace(PATIENT, daily_loss_halt_frac=0.5)},
         "rules", "daily_loss_halt_frac", 0.02),
        ({"rules": msgspec.structs.replace(PATIENT, threat=(Step(5.0, 5.0, 0.9),))},
         "rules", "threat", (*PATIENT.threat, Step(5.0, 5.0, 0.9))),
    ],
)  # fmt: skip
def test_every_kind_of_limit_is_kept(
    changes: dict[str, object], part: str, field: str, stays: object
) -> None:
    lives = Lives(policy())
    lives.start(policy(**changes))
    assert getattr(getattr(lives.kernel.policy, part), field) == stays


def test_a_rule_switched_off_goes_on_acting() -> None:
    lives = Lives(policy())
    lives.start(policy(rules=msgspec.structs.replace(PATIENT, acts_on={"margin_ratio": "off"})))
    assert lives.kernel.policy.rules.acts_on["margin_ratio"] == "all"


def test_what_is_no_limit_follows_the_file() -> None:
    lives = Lives(policy())
    lives.start(policy(bar_s=60))
    assert lives.kernel.policy.bar_s == 60
    assert not lives.kernel.state.limits.asked


def test_halted_and_the_peak_outlive_a_restart() -> None:
    lives = Lives(policy())
    state = lives.kernel.state
    state.latched, state.latch_reason, state.anchors.high_water_usd = True, "used up", 12_345.0
    lives.start(policy())
    assert lives.kernel.state.latched
    assert lives.kernel.state.mode.value == "HALTED"
    assert lives.kernel.state.anchors.high_water_usd == 12_345.0
