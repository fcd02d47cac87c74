"""One row for every way of holding the same position: guarded, unguarded, and rules of thumb."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from bot.data.folder import read_folder
from bot.lab.baselines import DRAWS, Setting, baselines, permuted
from bot.lab.material import material_of
from bot.lab.options import ReplayOptions
from bot.lab.stress import Case, Row

HELD = (1, 3, 5, 10)
"""Leverages of the position that is simply held."""
SEED = 20_260_131
Line = dict[str, Any]


def contestants(cases: Sequence[Case]) -> list[int]:
    """Return the numbers of the cases that are compared: single positions from the first bar.

    Of several profiles and margin modes those of the first guarded case count.
    """
    first = next((case for case in cases if case.guard and not case.label), None)
    if first is None:
        return []
    profile = first.policy.guard.profile
    return [
        number
        for number, case in enumerate(cases)
        if len(case.symbols) == 1
        and case.margin is first.margin
        and (case.start, case.label) == ("first", "")
        and (not case.guard or case.policy.guard.profile == profile)
    ]


def held_cases(guarded: Iterable[Case]) -> list[Case]:
    """Return the unguarded cases at every leverage of `HELD` for what the guarded ones hold."""
    found: dict[tuple[str, tuple[str, ...], str], Case] = {}
    for case in guarded:
        found.setdefault((str(case.data), case.symbols, case.hold), case)
    return [replace(case, guard=False, leverage=times) for case in found.values() for times in HELD]


def lines_of(cases: Sequence[Case], rows: Sequence[Row], held: Sequence[Row]) -> list[Line]:
    """Return the rows of the contest: every policy at every leverage of every folder.

    `cases` and `rows` belong together, guarded and unguarded; `held` are simply held positions.
    """
    pairs = [(case, row) for case, row in zip(cases, rows, strict=True) if not row.error]
    bare = {_key(row, row.leverage): row for case, row in pairs if not case.guard}
    kept = {_key(row, row.leverage): row for row in held if not row.error}
    guarded = [(case, row) for case, row in pairs if case.guard]
    with ThreadPoolExecutor(2) as pool:
        thumbs = list(pool.map(lambda pair: _thumbs(*pair), guarded))
    lines: list[Line] = []
    for (_, row), rules in zip(guarded, thumbs, strict=True):
        lines.append(_line(row, "guarded", _replayed(row)))
        twin = bare.get(_key(row, row.leverage))
        if twin is not None:
            lines.append(_line(row, "unguarded", _replayed(twin)))
        for times in HELD:
            found = kept.get(_key(row, times))
            if found is not None:
                lines.append(_line(row, f"hold_{times}x", _replayed(found)))
        lines += [_line(row, name, figures) for name, figures in rules.items()]
    return lines


def _thumbs(case: Case, row: Row) -> dict[str, Line]:
    options = ReplayOptions(
        data=case.data, policy=case.policy, symbols=case.symbols, hold=case.hold,
        leverage=case.leverage, start=case.start, sense_on=False,
    )  # fmt: skip
    material = material_of(read_folder(case.data), options)
    setting = Setting(material, case.policy, case.hold, case.leverage, float(options.wallet_usd))
    found = baselines(setting)
    found["random_delever"] = permuted(setting, dict(row.changes), draws=DRAWS, seed=SEED)
    return found


def _key(row: Row, leverage: int) -> tuple[str, str, str, int]:
    return row.data, row.symbols, row.hold, leverage


def _replayed(row: Row) -> Line:
    return {
        "liquidations": row.liquidations,
        "final_equity_usd": row.final_equity_usd,
        "max_drawdown_frac": row.max_drawdown_frac,
        "actions": row.delever_actions,
        "costs_usd": row.fees_usd - row.funding_usd,
    }


def _line(row: Row, policy: str, figures: Line) -> Line:
    return {
        "data": row.data, "symbol": row.symbols, "hold": row.hold, "leverage": row.leverage,
        "policy": policy, **figures,
    }  # fmt: skip


def timing_of(lines: Sequence[Line]) -> list[Line]:
    """Return per side and leverage what all folders say together about the guard's timing.

    p-values are combined by Fisher's method: -2 sum(log p) is chi-square with 2 k degrees.
    """
    groups: dict[tuple[str, int], list[Line]] = {}
    for line in lines:
        if line.get("p_value") is not None:
            groups.setdefault((line["hold"], line["leverage"]), []).append(line)
    return [
        {
            "hold": hold, "leverage": leverage, "folders": len(found),
            "p_value": fisher([line["p_value"] for line in found]),
            "p_value_drawdown": fisher([line["p_value_drawdown"] for line in found]),
        }
        for (hold, leverage), found in groups.items()
    ]  # fmt: skip


def fisher(values: Sequence[float]) -> float:
    """Return the combined p-value of independent ones; 1.0 of none."""
    half = -sum(math.log(value) for value in values)
    term = total = 1.0
    for k in range(1, len(values)):
        term *= half / k
        total += term
    return math.exp(-half) * total if values else 1.0
