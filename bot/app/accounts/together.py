"""What binds the accounts of one daemon: the joint budget, the share of a venue, one answer."""

import inspect
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bot.answers.question import Answered, iso
from bot.app.accounts.hedging import Hedge, Hedges
from bot.app.accounts.seen import house_of, is_dark, shown
from bot.app.accounts.shocks import shocks
from bot.app.config.account_tables import AccountsTable
from bot.domain.errors import BotError, ConfigInvalid
from bot.domain.house import House as Owned
from bot.domain.risk import Severity, TradingMode
from bot.domain.units import NS_PER_S
from bot.kernel.houses import Joint, exposure, exposure_shares, is_spent, together
from bot.ports import Clock, House
from bot.runtime.parts import Ask, DaemonParts

PERIOD_S = 1.0
SAME_LOOK_NS = NS_PER_S // 4
"""Doors that look within this time see the same: each looking at all would cost their square."""
WHO = "accounts"


class _Kept(msgspec.Struct):
    """What outlives a death."""

    latched: list[str] = []
    hedges: list[Hedge] = []


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

    @property
    def ready(self) -> bool:
        """Whether its kernel knows what it was before: mode, latch, positions."""
        return bool(self.parts.health.get("ready"))

    @property
    def dark(self) -> bool:
        """Whether its venue cannot be read, or nobody drives it."""
        return is_dark(self.parts, self.parts.clock.now_ns())

    @property
    def active(self) -> bool:
        """Whether it may open positions."""
        return self.parts.kernel.state.mode is TradingMode.ACTIVE

    def seen(self, now_ns: int) -> Owned:
        """Return what is known of it now."""
        return house_of(self.name, self.venue, shown(self.parts, now_ns))


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
        kept = self._kept()
        self._latched: set[str] = set(kept.latched)
        """Accounts that were latched since the joint budget was used up."""
        self.spent = bool(self._latched)
        self._hedges = Hedges(table, clock, kept.hedges)
        self._seen: list[Owned] = []
        self._seen_ns = 0

    def join(self, name: str, venue: str, parts: DaemonParts) -> None:
        """Take an account in, in the place of an earlier life of it."""
        member = self.members[name] = Member(name, venue, parts)
        parts.doors = (*parts.doors, _Door(self, member))

    async def sleep(self) -> None:
        """Wait until the next look."""
        await self._clock.sleep_s(PERIOD_S)

    def seen(self) -> list[Owned]:
        """Return every account that is configured, as it is seen now."""
        now_ns = self._clock.now_ns()
        return [
            self.members[name].seen(now_ns) if name in self.members else _never(name, venue)
            for name, venue in self._expected.items()
        ]

    def _looked(self) -> list[Owned]:
        """Return what is seen, at most SAME_LOOK_NS old."""
        now_ns = self._clock.monotonic_ns()
        if not self._seen or now_ns - self._seen_ns > SAME_LOOK_NS:
            self._seen, self._seen_ns = self.seen(), now_ns
        return self._seen

    async def answer(self, args: dict[str, str]) -> Answered:
        """Answer `accounts`: each with its status in short, and all together."""
        del args
        now_ns, houses = self._clock.now_ns(), self.seen()
        joint = together(houses)
        exposures, _ = exposure(houses)
        by_name = {house.account: house for house in houses}
        rows = [await _row(each, by_name[name]) for name, each in sorted(self.members.items())]
        return {
            "as_of": iso(now_ns),
            "accounts": rows,
            "equity_usd": joint.equity_usd,
            "at_least_usd": joint.at_least_usd,
            "unseen": list(joint.unseen),
            "peak_usd": joint.peak_usd,
            "loss_budget_frac": self._table.loss_budget_frac or None,
            "spent": self.spent,
            "hedges": [msgspec.to_builtins(each) for each in self._hedges.held],
            "net_usd": {each.asset: each.net_usd for each in exposures},
            "gross_usd": sum(each.gross_usd for each in exposures),
            "venue_share_frac": exposure_shares(exposures),
            "shocks": shocks(
                houses,
                exposures,
                peak_usd=joint.peak_usd,
                loss_budget_frac=self._table.loss_budget_frac,
            ),
        }

    async def look(self, member: Member) -> None:
        """Judge all accounts from the door of one: each door acts on its own account alone."""
        house = member.house
        if house is None:
            return
        houses = self._looked()
        joint = together(houses)
        if self.spent:
            await self._hold_spent(member, house)
        elif is_spent(joint, self._table.loss_budget_frac):
            self._spend(joint, house)
            await self._hold_spent(member, house)
        if await self._hedges.look(member, house, self.members, houses):
            self._save()
        exposures, _ = exposure(houses)
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
        members = self.members.values()
        everyone = self._latched >= set(self._expected) and len(members) == len(self._expected)
        if everyone and all(m.ready and not m.parts.kernel.state.latched for m in members):
            self.spent = False
            self._latched.clear()
            self._save()

    def _kept(self) -> _Kept:
        try:
            return msgspec.json.decode(self._keep.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return _Kept()
        except (OSError, msgspec.MsgspecError):
            raise ConfigInvalid(
                f"{self._keep}: cannot be read: remove it when no account is latched any more"
            ) from None

    def _save(self) -> None:
        fresh = self._keep.with_suffix(".tmp")
        kept = _Kept(latched=sorted(self._latched), hedges=self._hedges.held)
        fresh.write_bytes(msgspec.json.encode(kept))
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


async def _row(member: Member, house: Owned) -> Answered:
    found = member.ask("status", {})
    try:
        status = await found if inspect.isawaitable(found) else found
    except BotError as error:
        return {"account": member.name, "venue": member.venue, "error": str(error)}
    return {
        "account": member.name,
        "venue": member.venue,
        "seen": house.known,
        "mode": status["mode"],
        "mode_reason": status["mode_reason"],
        "latched": status["latched"],
        "equity_usd": house.equity_usd,
        "floor_usd": house.floor_usd,
        "drawdown_frac": status["drawdown_frac"] if house.known else None,
        "positions": status["positions"],
        "unprotected": status["unprotected"],
    }


def _never(name: str, venue: str) -> Owned:
    """An account that has not lived yet: nothing is known of it."""
    return Owned(account=name, venue=venue, equity_usd=None)
