"""Holds entries until a stop was proven at this venue; asks again while it was not, and daily."""

from collections.abc import Callable

from bot.domain.account import AccountState
from bot.domain.market import FeedStatus
from bot.domain.messages import AccountSnapshot, Event
from bot.domain.risk import Severity
from bot.runtime import canary, outcomes
from bot.runtime.executor import Executor
from bot.runtime.notices import Notices
from bot.runtime.parts import DaemonParts

SOON_S = 2.0
EARLY_MAX = 5
"""After so many quick repetitions a passing trouble is told as a lasting one."""


def proof_status(now_ns: int, *, live: bool, reason: str) -> FeedStatus:
    """Return what tells the kernel whether a stop is proven at this venue."""
    return FeedStatus("proof", "", now_ns, now_ns, live, reason)


class StopProver:
    """Entries stay refused until one proof succeeded."""

    def __init__(
        self,
        parts: DaemonParts,
        executor: Executor,
        notices: Notices,
        emit: Callable[[Event], None],
    ) -> None:
        self._parts = parts
        self._emit = emit
        self._executor = executor
        self._notices = notices
        self._number = 0
        self._told = ""
        self._early = 0
        self._pause_s = SOON_S

    async def prove(self, account: AccountState, *, anew: bool = False) -> bool:
        """Try once; open the door for entries when a stop is proven (or cannot be while flat).

        `anew`: a stop that rests from before proves nothing; the venue may take no new one.
        """
        options = self._parts.options
        if options.read_only or not options.prove_stop:
            self._executor.hold_entries("")
            return True
        self._number += 1
        proof = await canary.prove_stop(self._parts, account, self._number, anew=anew)
        if not proof.failed:
            self._executor.hold_entries("")
            text = proof.skipped or "a stop was placed, seen and cancelled"
            self._emit(proof_status(self._parts.clock.now_ns(), live=True, reason=text))
            self._notices.say(Severity.INFO, "stop_proof", text)
            self._told, self._early = "", 0
            return True
        self._executor.hold_entries(f"no stop is proven: {proof.failed}")
        self._early = self._early + 1 if proof.early else EARLY_MAX
        passing = self._early < EARLY_MAX
        self._pause_s = SOON_S if passing else options.prove_again_s
        if not passing and proof.failed != self._told:
            self._told = proof.failed
            now_ns = self._parts.clock.now_ns()
            self._emit(proof_status(now_ns, live=False, reason=proof.failed))
            text = (
                f"stops cannot be proven at {self._parts.venue.name}: {proof.failed}. "
                f"No entries; trying again every {options.prove_again_s:.0f} s."
            )
            self._notices.say(Severity.CRITICAL, "stop_proof", text)
        return False

    async def run(self, *, proven: bool) -> None:
        """Prove again every day, for venues change overnight; sooner while it did not succeed."""
        options, anew = self._parts.options, proven
        pause_s = options.prove_daily_s if proven else self._pause_s
        while True:
            await self._parts.clock.sleep_s(pause_s)
            pause_s = options.prove_again_s
            reading = await outcomes.read_account(
                self._parts.guard, self._parts.clock, options.read_deadline_s
            )
            if isinstance(reading, AccountSnapshot):
                done = await self.prove(reading.account, anew=anew)
                anew = anew or done
                pause_s = options.prove_daily_s if done else self._pause_s
