"""What binds the accounts of one daemon: the joint budget, the share of a venue, one answer."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bot.answers import house as house_answer
from bot.answers.question import Answered, Question, iso
from bot.app.config.account_tables import AccountsTable
from bot.domain.errors import BotError, ConfigInvalid
from bot.domain.house import Holding
from bot.domain.house import House as Owned
from bot.domain.joint import Joint, Seen, is_spent, together
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.guard import is_unexplained
from bot.kernel.houses import exposure, exposure_shares, joint_shock
from bot.kernel.snapshot import BotState
from bot.kernel.track import settled
from bot.ports import Clock, House
from bot.runtime.parts import Ask, DaemonParts

PERIOD_S = 1.0
MARK_AGE_NS = 30 * NS_PER_S
WHO = "accounts"
MOVES_FRAC = (-0.20, -0.10, 0.10, 0.20)


class Member:
    """One account as the others see it."""

    def __init__(self, name: str, venue: str, parts: DaemonParts) -> None:
        self.name = name
        self.venue = venue
        self.parts = parts
        self.house: House | None = None
        self.crowded = False

    @property
    def ask(self) -> Ask:
        """Answers questions about this account."""
        return self.parts.ask

    def seen(self, now_ns: int) -> Seen:
        """Return what is known of it now."""
        state, policy = self.parts.kernel.state, self.parts.kernel.policy
        told = house_answer.answer(Question(state=state, policy=policy, args={}))
        peak = state.anchors.high_water_usd
        fresh = self.parts.health.get("ready") and not self.parts.health.get("blind")
        equity = told["equity_usd"] if fresh and _marked(state, now_ns) else None
        return Seen(
            house=Owned(
                account=self.name,
                venue=self.venue,
                equity_usd=float(str(equity)) if equity is not None and _agrees(state) else None,
                holdings=msgspec.convert(told["holdings"], tuple[Holding, ...], strict=False),
            ),
            floor_usd=(1.0 - policy.guard.floor_frac) * peak if peak > 0.0 else None,
            peak_usd=peak,
        )


class Together:
    """All accounts of a daemon; its doors look at them every second."""

    def __init__(
        self, table: AccountsTable, clock: Clock, keep: Path, expected: Mapping[str, str]
    ) -> None:
        self._table = table
        self._clock = clock
        self._keep = keep
        self._expected = expected
        """account -> venue of all that are configured, whether they live yet or not."""
        self.members: dict[str, Member] = {}
        self._latched: set[str] = self._kept()
        """Accounts that were latched since the joint budget was used up."""
        self.spent = bool(self._latched)

    def join(self, name: str, venue: str, parts: DaemonParts) -> None:
        """Take an account in, in the place of an earlier life of it."""
        member = self.members[name] = Member(name, venue, parts)
        parts.doors = (*parts.doors, _Door(self, member))

    async def sleep(self) -> None:
        """Wait until the next look."""
        await self._clock.sleep_s(PERIOD_S)

    def seen(self) -> list[Seen]:
        """Return every account that is configured, as it is seen now."""
        now_ns = self._clock.now_ns()
        return [
            self.members[name].seen(now_ns) if name in self.members else _never(name, venue)
            for name, venue in self._expected.items()
        ]

    async def answer(self, args: dict[str, str]) -> Answered:
        """Answer `accounts`: each with its status in short, and all together."""
        del args
        now_ns, seen = self._clock.now_ns(), self.seen()
        joint, houses = together(seen), [each.house for each in seen]
        exposures, _ = exposure(houses)
        shocks = [
            {
                "move_frac": move,
                "equity_usd": joint_shock(
                    houses, {each.asset: move for each in exposures}
                ).equity_usd,
            }
            for move in MOVES_FRAC
        ]
        rows = [await _row(member, now_ns) for _, member in sorted(self.members.items())]
        return {
            "as_of": iso(now_ns),
            "accounts": rows,
            "equity_usd": joint.equity_usd,
            "at_least_usd": joint.at_least_usd,
            "unseen": list(joint.unseen),
            "peak_usd": joint.peak_usd,
            "loss_budget_frac": self._table.loss_budget_frac or None,
            "spent": self.spent,
            "net_usd": {each.asset: each.net_usd for each in exposures},
            "gross_usd": sum(each.gross_usd for each in exposures),
            "venue_share_frac": exposure_shares(exposures),
            "shocks": shocks,
        }

    async def look(self, member: Member) -> None:
        """Judge all accounts from the door of one: each door acts on its own account alone."""
        house = member.house
        if house is None:
            return
        seen = self.seen()
        joint = together(seen)
        if self.spent:
            await self._hold_spent(member, house)
        elif is_spent(joint, self._table.loss_budget_frac):
            self._spend(joint, house)
            await self._hold_spent(member, house)
        exposures, _ = exposure([each.house for each in seen])
        share = exposure_shares(exposures).get(member.venue, 0.0)
        crowded = share > self._table.venue_share_max_frac
        if crowded and not member.crowded:
            await house.order("pause", {}, operator=WHO, key=f"crowded-{self._clock.now_ns()}")
            text = (
                f"{member.venue} holds {share:.0%} of what all accounts hold, at most "
                f"{self._table.venue_share_max_frac:.0%} allowed: account {member.name} opens "
                "nothing until `resume`"
            )
            house.say(Severity.WARNING, "venue_share", text)
        member.crowded = crowded

    def _spend(self, joint: Joint, house: House) -> None:
        self.spent = True
        text = (
            f"all accounts together fell to {joint.equity_usd:,.0f} USD, the joint budget of "
            f"{self._table.loss_budget_frac:.0%} under {joint.peak_usd:,.0f} is used up: every "
            "account is closed and latched; re-arm each when you decide to go on"
        )
        house.say(Severity.CRITICAL, "joint_budget", text)

    async def _hold_spent(self, member: Member, house: House) -> None:
        """Latch an account once; the budget begins anew when the operator has re-armed all."""
        if member.name not in self._latched:
            args = {"reason": "joint loss budget used"}
            key = f"joint-{member.name}-{self._clock.now_ns()}"
            told = await house.order("latch", args, operator=WHO, key=key)
            if told.accepted:
                self._latched.add(member.name)
                self._save()
            return
        everyone = self._latched >= set(self._expected) and len(self.members) == len(self._expected)
        if everyone and not any(m.parts.kernel.state.latched for m in self.members.values()):
            self.spent = False
            self._latched.clear()
            self._save()

    def _kept(self) -> set[str]:
        try:
            return {str(name) for name in json.loads(self._keep.read_text())["latched"]}
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigInvalid(
                f"{self._keep}: cannot be read: remove it when no account is latched any more"
            ) from None

    def _save(self) -> None:
        fresh = self._keep.with_suffix(".tmp")
        fresh.write_text(json.dumps({"latched": sorted(self._latched)}))
        fresh.replace(self._keep)


class _Door:
    """Runs inside the account it belongs to, so that it can give that account orders."""

    name = WHO

    def __init__(self, whole: Together, member: Member) -> None:
        self._whole = whole
        self._member = member

    async def run(self, house: House) -> None:
        """Look every second until cancelled."""
        self._member.house = house
        while True:
            await self._whole.look(self._member)
            await self._whole.sleep()


async def _row(member: Member, now_ns: int) -> Answered:
    found = member.ask("status", {})
    seen = member.seen(now_ns)
    try:
        status = await found if inspect.isawaitable(found) else found
    except BotError as error:
        return {"account": member.name, "venue": member.venue, "error": str(error)}
    return {
        "account": member.name,
        "venue": member.venue,
        "seen": seen.house.known,
        "mode": status["mode"],
        "mode_reason": status["mode_reason"],
        "latched": status["latched"],
        "equity_usd": seen.house.equity_usd,
        "floor_usd": seen.floor_usd,
        "drawdown_frac": status["drawdown_frac"] if seen.house.known else None,
        "positions": status["positions"],
        "unprotected": status["unprotected"],
    }


def _never(name: str, venue: str) -> Seen:
    """An account that has not lived yet: nothing is known of it."""
    house = Owned(account=name, venue=venue, equity_usd=None)
    return Seen(house=house, floor_usd=None, peak_usd=0.0)


def _agrees(state: BotState) -> bool:
    """Whether wallet and positions tell of the same instant, and nothing is unexplained.

    A loss that the wallet shows before the position is gone would count twice, and latch all.
    """
    return settled(state) and not is_unexplained(state)


def _marked(state: BotState, now_ns: int) -> bool:
    """Whether every held leg has a mark that is not old."""
    for leg in state.legs.values():
        market = state.markets.get(leg.symbol)
        if leg.qty > ZERO and (market is None or now_ns - market.mark_received_ns > MARK_AGE_NS):
            return False
    return True
