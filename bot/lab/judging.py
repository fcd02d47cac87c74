"""What a strategy is worth on recorded data: its trades in multiples of risk, nothing left out."""

import statistics
from collections.abc import Sequence

import msgspec

from bot.kernel.sizing.kelly import result_r
from bot.lab.options import ReplayOptions, ReplayResult
from bot.lab.replay import replay_folder

TOGETHER = "together"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy (or all) on one folder; money in USD, `results_r` after fees and funding."""

    strategy: str
    folder: str
    guard: bool
    signals: int
    results_r: tuple[float, ...]
    fees_usd: float
    funding_usd: float
    max_drawdown_frac: float
    return_frac: float
    liquidations: int
    unprotected_s_max: float
    digest: str
    numbers: str = ""
    """The parameters it ran with, as one word; a kept score of other numbers is not taken."""

    @property
    def costs_usd(self) -> float:
        """Fees and funding paid; positive is paid."""
        return self.fees_usd - self.funding_usd


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a table says of some scores; None where there was no trade."""

    strategy: str
    folder: str
    guard: bool
    signals: int
    trades: int
    win_frac: float | None
    mean_r: float | None
    median_r: float | None
    total_r: float
    costs_usd: float
    max_drawdown_frac: float
    return_frac: float


def score(name: str, options: ReplayOptions, numbers: str = "") -> Score:
    """Replay one folder and score what its strategies did.

    Raises:
        DataInvalid: the folder cannot be used.
        ConfigInvalid: the options do not fit the data.
    """
    return score_of(name, replay_folder(options), options.data.name, numbers)


def score_of(name: str, result: ReplayResult, folder: str, numbers: str = "") -> Score:
    """Score a finished replay; a position still open at its end is in its return alone."""
    results = [result_r(trade) for trade in result.closed]
    return Score(
        strategy=name,
        folder=folder,
        guard=result.guard,
        signals=result.signals,
        results_r=tuple(r for r in results if r is not None),
        fees_usd=result.fees_usd,
        funding_usd=result.funding_usd,
        max_drawdown_frac=result.max_drawdown_frac,
        return_frac=result.return_frac,
        liquidations=result.liquidations,
        unprotected_s_max=result.unprotected_s_max,
        digest=result.digest,
        numbers=numbers,
    )


def row_of(scores: Sequence[Score], folder: str) -> Row:
    """Return one row for scores of one strategy: trades pooled, the deepest drawdown, mean return.

    Raises:
        ValueError: no scores.
    """
    if not scores:
        raise ValueError("a row needs scores")
    results = [r for each in scores for r in each.results_r]
    return Row(
        strategy=scores[0].strategy,
        folder=folder,
        guard=scores[0].guard,
        signals=sum(each.signals for each in scores),
        trades=len(results),
        win_frac=sum(r > 0.0 for r in results) / len(results) if results else None,
        mean_r=statistics.fmean(results) if results else None,
        median_r=statistics.median(results) if results else None,
        total_r=sum(results),
        costs_usd=sum(each.costs_usd for each in scores),
        max_drawdown_frac=max(each.max_drawdown_frac for each in scores),
        return_frac=statistics.fmean(each.return_frac for each in scores),
    )


def rows_of(scores: Sequence[Score]) -> list[Row]:
    """Return the rows of a table: every strategy and folder with and without the guard, then all.

    Order: strategies as they come, folders as they come, guarded first.
    """
    names = list(dict.fromkeys(each.strategy for each in scores))
    folders = list(dict.fromkeys(each.folder for each in scores))
    rows = []
    for name in names:
        for guard in (True, False):
            mine = [s for s in scores if s.strategy == name and s.guard is guard]
            for folder in folders:
                one = [s for s in mine if s.folder == folder]
                if one:
                    rows.append(row_of(one, folder))
            if len(mine) > 1:
                rows.append(row_of(mine, "all"))
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown; a dash where there was no trade to speak of."""
    lines = [
        "| strategy | folder | guard | signals | trades | won | mean R | median R | total R "
        "| costs USD | max drawdown | return |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        won = f"{row.win_frac:.0%}" if row.win_frac is not None else "-"
        cells = (
            row.strategy, row.folder, "on" if row.guard else "off", str(row.signals),
            str(row.trades), won, _r(row.mean_r), _r(row.median_r), f"{row.total_r:+.2f}",
            f"{row.costs_usd:.0f}", f"{row.max_drawdown_frac:.1%}", f"{row.return_frac:+.2%}",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _r(value: float | None) -> str:
    return f"{value:+.2f}" if value is not None else "-"
