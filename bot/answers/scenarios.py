"""Answers `scenarios`: where each declared scenario stands and what the running ones allow."""

from bot.answers.question import Answered, Question, iso
from bot.domain.scenario import ScenarioSpec, Watch
from bot.kernel import scenarios
from bot.kernel.levels.state import Followed, ScenarioBook

NAME = "scenarios"


def answer(question: Question) -> Answered:
    """Return every declared scenario, known or not yet, and what holds while any runs."""
    state, specs = question.state, question.policy.scenarios
    rows, standing = [], []
    for symbol in sorted({spec.symbol for spec in specs}):
        if question.symbol not in ("", symbol):
            continue
        mine = tuple(spec for spec in specs if spec.symbol == symbol)
        sensed = state.sensed.get(symbol)
        book = sensed.scenarios if sensed is not None else ScenarioBook()
        followed = {each.name: each for each in book.followed}
        rows += [_row(spec, followed.get(spec.name), state.now_ns) for spec in mine]
        found = scenarios.standing(book, mine, state.now_ns)
        standing.append(
            {
                "symbol": symbol,
                "allowed_sides": [side.value for side in found.allowed_sides],
                "size_factor": found.size_factor,
                "threat_add": found.threat_add,
                "tighten_stops": found.tighten_stops,
                "reasons": list(found.reasons),
            }
        )
    return {"as_of": iso(state.now_ns), "scenarios": rows, "standing": standing}


def _row(spec: ScenarioSpec, state: Followed | None, now_ns: int) -> Answered:
    hidden = spec.known_from_ns > now_ns
    status = "NOT_YET_KNOWN" if hidden else state.status if state is not None else "WAITING"
    return {
        "name": spec.name,
        "symbol": spec.symbol,
        "says": spec.says,
        "status": status,
        "stage": f"{state.stage if state is not None else 0} of {len(spec.stages)}",
        "trigger": [_watch(watch) for watch in spec.stages],
        "invalidation": _watch(spec.invalid) if spec.invalid is not None else None,
        "targets": list(spec.targets),
        "targets_hit": state.targets_hit if state is not None else 0,
        "allowed_sides": [side.value for side in spec.allowed_sides],
        "size_factor": spec.size_factor,
        "since": iso(state.since_ns) if state is not None else None,
        "known_from": iso(spec.known_from_ns),
        "note": state.note if state is not None else "",
    }


def _watch(watch: Watch) -> str:
    edges = f"{watch.low:,.8g}"
    if watch.high != watch.low:
        edges += f"-{watch.high:,.8g}"
    return f"{edges} {watch.event.value} ({watch.timeframe_s // 60} min)"
