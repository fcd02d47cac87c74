"""Prints what the senses say of recorded markets: python -m tests.unit.kernel.sense.evaluate."""

import os
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from bot.domain.market import Candle
from bot.domain.units import NS_PER_H
from bot.kernel.assess.judge import Assessment
from tests.unit.kernel.sense.bursts import fitted, guessed, hourly_totals, with_prints
from tests.unit.kernel.sense.tape import judged, recorded

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[5] / "shared"))
FOLDERS = ("2026-01-cascade", "2025-10-crash", "2024-08-unwind", "2025-12-calm", "2025-04-rally")
CRASHES = {
    "2026-01-cascade": ("2026-01-28", "2026-02-06T01:00"),
    "2025-10-crash": ("2025-10-10T20:50", "2025-10-10T21:30"),
    "2024-08-unwind": ("2024-08-05T00:15", "2024-08-05T07:00"),
}


def text(ns: int) -> str:
    return str(np.datetime64(ns, "ns"))[:16].replace("T", " ")


def at(when: str) -> int:
    return int(np.datetime64(when, "ns").astype(np.int64))


def hourly(found: list[Assessment]) -> list[Assessment]:
    return list({(each.ns - 1) // NS_PER_H: each for each in found}.values())


def ahead(hours: list[Assessment], span: int = 24) -> np.ndarray:
    """Return the worst drop of hourly closes within the next day, a fraction; NaN at the end."""
    price = np.array([each.facts.price for each in hours])
    out = np.full(price.size, np.nan)
    for n in range(price.size - span):
        out[n] = 1.0 - price[n + 1 : n + 1 + span].min() / price[n]
    return np.maximum(out, 0.0)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    def rank(values: np.ndarray) -> np.ndarray:
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ends = np.cumsum(count)
        return (ends - (count - 1) / 2.0)[place]

    return float(np.corrcoef(rank(x), rank(y))[0, 1])


def interval(x: np.ndarray, y: np.ndarray, block: int = 24, draws: int = 1_000) -> tuple:
    """Return the 95 % interval of the rank correlation over blocks of a day."""
    random, starts = np.random.default_rng(1), np.arange(0, x.size - block)
    found = []
    for _ in range(draws):
        picked = (random.choice(starts, x.size // block)[:, None] + np.arange(block)).ravel()
        found.append(spearman(x[picked], y[picked]))
    return tuple(np.percentile(found, [2.5, 97.5]))


WINDOWS = {
    "2026-01-cascade": (("2026-01-31T18:00", "2026-02-03"), ("2026-02-05", "2026-02-07")),
    "2025-10-crash": (("2025-10-10T20:50", "2025-10-11T00:00"),),
    "2024-08-unwind": (("2024-08-05T00:15", "2024-08-06T00:00"),),
}


def describe(folder: str, asset: str) -> tuple[list[str], list[Assessment]]:
    symbol = f"{asset}/USDT:USDT"
    events = recorded(SHARED / "market-data" / folder, symbol)
    found = list(judged(events, symbol))
    hours = hourly(found)
    level = np.array([each.threat for each in hours])
    shares = " ".join(f"{k}:{np.mean(level == k):.3f}" for k in range(1, 6))
    lines = [f"{folder} {asset}: {len(hours)} h, share of hours at Threat {shares}, "
             f"<=2 {np.mean(level <= 2):.3f}"]  # fmt: skip
    for start, end in WINDOWS.get(folder, ()):
        inside = [e for e in found if at(start) <= e.ns < at(end)]
        high = np.mean([e.threat >= 4 for e in inside])
        lines.append(f"  Threat >= 4 on {high:.1%} of {start} to {end}")
    lines += _entries(found, hours)
    lines += _first_four(folder, found, "hourly totals as recorded")
    if folder in CRASHES or folder.endswith("calm"):
        lines += _with_bursts(folder, events, symbol, hours)
    resets = [text(e.ns) for e in hours if e.reset]
    partial = any(e.flush.partial for e in hours if e.reset)
    lines.append(f"  LEVERAGE_RESET hours{' (partial)' if partial else ''}: {len(resets)} "
                 + (f"{resets[0]} ... {resets[-1]}" if resets else ""))  # fmt: skip
    lines += [f"    {text(e.ns)} {'; '.join(e.flush.evidence)}" for e in hours if e.reset][:2]
    states = [e.cascade for e in hours]
    counted = {s: f"{states.count(s) / len(states):.2f}" for s in sorted(set(states))}
    lines.append(f"  cascade states, share of hours: {counted}")
    return lines, hours


def _entries(found: list[Assessment], hours: list[Assessment]) -> list[str]:
    entries = [b for a, b in pairwise(found) if a.threat < 4 <= b.threat]
    drop = dict(zip((h.ns for h in hours), ahead(hours), strict=True))
    false = 0
    for each in entries:
        later = drop.get((each.ns - 1) // NS_PER_H * NS_PER_H + NS_PER_H, np.nan)
        false += bool(later < (each.facts.sd or 0.0))
    told = ", ".join(f"{text(e.ns)} at {e.facts.price:,.0f}" for e in entries)
    return [f"  entries to 4: {len(entries)} ({false} followed by less than one sd): {told}"]


def _first_four(folder: str, found: list[Assessment], what: str) -> list[str]:
    if folder not in CRASHES:
        return []
    start, end = (at(each) for each in CRASHES[folder])
    inside = [e for e in found if start - NS_PER_H <= e.ns <= end]
    low, high = (pick(e.facts.price for e in inside) for pick in (min, max))
    first = next((e for e in found if e.threat >= 4 and e.ns >= start), None)
    if first is None:
        return [f"  no Threat 4 from {text(start)} ({what})"]
    left = (first.facts.price - low) / (high - low)
    return [
        f"  first 4 from {text(start)} ({what}): {text(first.ns)}, "
        f"{left:.0%} of the fall {high:,.0f} to {low:,.0f} still ahead"
    ]


def _with_bursts(folder: str, events: list, symbol: str, plain: list[Assessment]) -> list[str]:
    """Tell what prints by the minute, simulated from the hours, would have changed."""
    totals, what = hourly_totals(events), "prints simulated inside the recorded hours"
    candles = [event for event in events if isinstance(event, Candle)]
    if len(totals) < 24:
        teacher = recorded(SHARED / "market-data" / "2026-01-cascade", "BTC/USDT:USDT")
        totals = guessed(candles, fitted(teacher))
        what = "hours and prints both simulated from price"
    found = list(judged(with_prints(events, totals), symbol))
    lines = _first_four(folder, found, what)
    hours = hourly(found)
    before, after = (np.mean([e.threat >= 4 for e in each]) for each in (plain, hours))
    lines.append(f"  hours at Threat >= 4: {before:.3f} without, {after:.3f} with {what}")
    return lines


def main() -> None:
    for asset in sys.argv[1:] or ["BTC", "ETH"]:
        score, strain, later = [], [], []
        for folder in FOLDERS:
            lines, hours = describe(folder, asset)
            print("\n".join(lines), flush=True)
            drop = ahead(hours)
            known = ~np.isnan(drop)
            score.append(np.array([h.threat for h in hours])[known])
            strain.append(np.array([h.stress for h in hours])[known])
            later.append(drop[known])
        threat, stress, worst = (np.concatenate(each) for each in (score, strain, later))
        for name, values in (("Threat", threat), ("Stress", stress)):
            low, high = interval(values, worst)
            print(f"{asset}: rank correlation of {name} with the worst drop of the next 24 h "
                  f"{spearman(values, worst):.2f} [{low:.2f}, {high:.2f}]")  # fmt: skip
        for level in range(1, 6):
            here = worst[threat == level]
            if here.size:
                print(f"  Threat {level}: {here.size} h, mean next-24h drop {here.mean():.2%}, "
                      f"share above 9.4 % {np.mean(here > 0.094):.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
