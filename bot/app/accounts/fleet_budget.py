"""Binds an account to one loss budget with all others of its database, wherever they are driven.

Every daemon judges for itself, from what all have shown to the database within seconds, and acts
on its own account alone: by `latch`, through its own inbox.
"""

from functools import partial

from bot.app.accounts.fleet_risk import FRESH_S, Row, counted, houses_of
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.journal import joint as ledger
from bot.journal.joint import Spent
from bot.journal.tenure import Tenure
from bot.kernel.houses import Joint, is_spent, together
from bot.ports import Clock, House
from bot.runtime.parts import DaemonParts

WHO = "fleet"
DOUBT_NS = 60 * NS_PER_S
"""A budget that cannot be judged for so long is told."""


class FleetBudget:
    """Looks at the fleet from one account; `budget_frac` 0: it is not bound."""

    def __init__(
        self, tenure: Tenure, account: str, parts: DaemonParts, *, mode: str, budget_frac: float
    ) -> None:
        self._tenure = tenure
        self._account = account
        self._parts = parts
        self._clock: Clock = parts.clock
        self._mode = mode
        self._budget_frac = budget_frac
        self._obeyed = 0
        """The number of the time for which this account was latched."""
        self._said = 0
        self._doubt_ns = 0
        self._doubted = False
        if self.bound:
            tenure.watch(mode)

    @property
    def bound(self) -> bool:
        """Whether this account is closed with the others."""
        return self._budget_frac > 0.0

    async def look(self, house: House) -> None:
        """Judge once; what is not known now is never judged by an old number."""
        if not self.bound or not self._parts.health.get("ready"):
            return
        found = self._tenure.others()
        now_ns = self._clock.monotonic_ns()
        older_s = (now_ns - found.read_ns) / NS_PER_S if found is not None else FRESH_S
        if found is None or older_s >= FRESH_S:
            self._doubt(house, now_ns, "the database was not read for that long")
            return
        rows = counted(found.rows, self._mode)
        if found.spent is not None:
            await self._obey(house, found.spent, rows)
            return
        joint = together(houses_of(rows, older_s=older_s))
        if is_spent(joint, self._budget_frac):
            self._begin(joint)
        why = ", ".join(joint.unseen) if joint.unseen else ""
        if not why and joint.peak_usd is None:
            why = "an account without a peak"
        self._doubt(house, now_ns, f"not known: {why}" if why else "")

    def _begin(self, joint: Joint) -> None:
        """Write it down; what is written binds everybody, and us at the next look."""
        if joint.equity_usd is not None and joint.peak_usd is not None:
            work = partial(
                ledger.begin,
                mode=self._mode,
                equity_usd=joint.equity_usd,
                peak_usd=joint.peak_usd,
                budget_frac=self._budget_frac,
            )
            self._tenure.post(work)

    async def _obey(self, house: House, spent: Spent, rows: list[Row]) -> None:
        """Latch this account once for each time; count it re-armed when its operator did that."""
        number, mine = spent.spent_id, self._account
        if mine not in spent.latched and self._obeyed != number:
            text = (
                f"all accounts of the database fell to {spent.equity_usd:,.0f} USD, the joint "
                f"budget of {spent.budget_frac:.0%} under {spent.peak_usd:,.0f} is used up: every "
                "account is closed and latched; re-arm each when you decide to go on"
            )
            if self._said != number:
                self._said = number
                house.say(Severity.CRITICAL, "joint_budget", text)
            args = {"reason": "joint loss budget of the fleet used"}
            told = await house.order(
                "latch", args, operator=WHO, key=f"joint-{number}-{self._mode}-{mine}"
            )
            if told.accepted:
                self._obeyed = number
                self._tenure.post(partial(ledger.note_latched, spent_id=number))
            return
        latched = self._parts.kernel.state.latched
        if mine in spent.latched and mine not in spent.rearmed and not latched:
            self._tenure.post(partial(ledger.note_rearmed, spent_id=number))
        bound = {str(row["account"]) for row in rows if (row["state"] or {}).get("bound")}
        known = all((row["state"] or {}).get("house") for row in rows)
        if known and bound and bound <= spent.rearmed:
            self._tenure.post(partial(ledger.end, spent_id=number))

    def _doubt(self, house: House, now_ns: int, why: str) -> None:
        """Tell once that nobody can judge the budget, and once that it can be again."""
        if not why:
            if self._doubted:
                house.say(Severity.INFO, "joint_unknown", "the joint budget is judged again")
            self._doubt_ns, self._doubted = 0, False
            return
        self._doubt_ns = self._doubt_ns or now_ns
        if not self._doubted and now_ns - self._doubt_ns >= DOUBT_NS:
            self._doubted = True
            text = (
                f"the joint budget of the fleet cannot be judged ({why}): nobody is closed by it; "
                "each account keeps its own"
            )
            house.say(Severity.WARNING, "joint_unknown", text)
