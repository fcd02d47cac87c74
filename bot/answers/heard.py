"""How the venues that are heard are doing, as several answers tell it."""

from bot.answers.question import Answered, Question, age_s, rounded
from bot.domain.feeds import VenueHealth


def venues(question: Question) -> list[Answered] | None:
    """Return a row for each venue; None where nobody listens, which is unknown and not empty."""
    if question.feeds is None:
        return None
    return [row(health, question.state.now_ns) for health in question.feeds]


def row(health: VenueHealth, now_ns: int) -> Answered:
    """Return one venue; ages in seconds, None for what never came."""
    newest = max(health.told_ns.values(), default=0)
    return {
        "venue": health.venue,
        "live": health.live,
        "reason": health.reason,
        "frame_age_s": age_s(max(now_ns, health.frame_ns), health.frame_ns),
        "told_age_s": age_s(max(now_ns, newest), newest),
        "frames_per_s": rounded(health.frames_per_s, 1),
        "frames": health.frames,
        "gaps": health.gaps,
        "repeats": health.repeats,
        "unreadable": health.junk,
        "reconnects": max(health.connections - 1, 0),
        "silent": list(health.silent),
        "unlisted": list(health.unlisted),
        "liquidations": health.liquidations,
        "last_error": health.last_error or None,
    }


def words(health: VenueHealth, now_ns: int) -> str:
    """Return one venue in a line."""
    age = age_s(max(now_ns, health.frame_ns), health.frame_ns)
    parts = ["live" if health.live else f"down: {health.reason}"]
    parts.append("no frame yet" if age is None else f"last frame {age:.1f} s ago")
    gaps = "gaps not counted" if health.gaps is None else f"{health.gaps} gaps"
    parts.append(f"{health.frames_per_s:.1f} frames/s, {gaps}")
    parts.append(f"{max(health.connections - 1, 0)} reconnects")
    if health.silent:
        parts.append(f"silent: {', '.join(health.silent)}")
    if health.unlisted and health.live:
        parts.append(f"not listed there: {', '.join(health.unlisted)}")
    if health.last_error and health.live:
        parts.append(f"last error: {health.last_error}")
    return "; ".join(parts)
