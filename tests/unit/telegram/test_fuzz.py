"""Random mail by the thousand: no effect that the rules do not allow, none twice.

Longer: `./run campaign mail`.
"""

from collections.abc import Callable

import pytest

from bot.telegram import clerk, commands, confirm, record
from bot.telegram.incoming import Verdict
from tests.unit.telegram import fuzz
from tests.unit.telegram.fuzz import run

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("seed", [1, 2])
async def test_random_mail_has_no_unauthorised_effect(seed: int) -> None:
    counts = await run(3_000, seed)
    assert counts["updates"] == 3_000
    assert min(counts["lowered"], counts["raised by button"], counts["raised by code"]) > 3
    assert counts["told telegram_stranger"] > 0
    assert counts["restarts"] > 0


def _anyone(patch: Patch) -> None:
    patch.setattr(clerk, "judge", lambda *_: Verdict.OPERATOR)


def _chat_alone(patch: Patch) -> None:
    patch.setattr(
        clerk,
        "judge",
        lambda i, _u, c: Verdict.OPERATOR if i.chat_id == c else Verdict.STRANGER,
    )


def _repeats(patch: Patch) -> None:
    patch.setattr(record.Record, "knows", lambda *_: False)


def _forgets(patch: Patch) -> None:
    patch.setattr(record, "_read", lambda _: record.Kept())


def _buttons_for_ever(patch: Patch) -> None:
    patch.setattr(
        confirm.Confirmations, "press", lambda self, n, _: self._waiting.pop(n, (None, 0))[0]
    )


def _buttons_again(patch: Patch) -> None:
    patch.setattr(
        confirm.Confirmations, "press", lambda self, n, _: self._waiting.get(n, (None, 0))[0]
    )


def _codes_again(patch: Patch) -> None:
    right = confirm.Codes.step_of
    patch.setattr(confirm.Codes, "step_of", lambda self, code, ns, _: right(self, code, ns, 0))


def _old_words(patch: Patch) -> None:
    made = fuzz.ChatConfig
    patch.setattr(fuzz, "ChatConfig", lambda **given: made(**given, command_age_max_s=1e9))


def _resumes_at_once(patch: Patch) -> None:
    patch.setitem(commands.READERS, "resume", lambda *_: commands.Order("resume", {}))


@pytest.mark.parametrize(
    "broken",
    [
        _anyone, _chat_alone, _repeats, _forgets, _buttons_for_ever, _buttons_again, _codes_again,
        _old_words, _resumes_at_once,
    ],
)  # fmt: skip
async def test_a_rule_that_is_taken_out_is_noticed(
    broken: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        await run(6_000, 1)
