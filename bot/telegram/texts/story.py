"""What happened and why, and how the machine does, in words."""

from bot.telegram.texts.said import Document, Said, coin, moment, span


def why(doc: Document, zone: str) -> Said:
    """Tell a chain of decisions, the cause first."""
    lines = [_line(row, zone) for row in doc["chain"]]
    if not lines:
        return Said("Nothing was decided yet.")
    if doc["ref"] is None:
        return Said("\n".join(lines[-5:]), "\n".join(lines[:-5]))
    return Said("\n".join(lines))


def _line(row: Document, zone: str) -> str:
    limit = f"limit {row['limit']}" if row.get("limit") else ""
    numbers = ", ".join(part for part in (row.get("measured"), limit) if part)
    what = row.get("what") or row.get("kind") or ""
    reason = row.get("why") or row.get("reason") or ""
    where = f"{coin(row['symbol'])} " if row.get("symbol") else ""
    return f"{moment(row.get('at'), zone)} {where}{what}: {reason}" + (
        f" ({numbers})" if numbers else ""
    )


def events(doc: Document, zone: str) -> Said:
    """Tell the newest notices, the newest first."""
    lines = [
        f"{moment(row['at'], zone)} {row['severity']} {row['kind']}: {row['text']}"
        for row in doc["events"]
    ]
    if not lines:
        return Said("Nothing was told in this run yet.")
    return Said("\n".join(lines[:5]), "\n".join(lines[5:40]))


def doctor(doc: Document, zone: str) -> Said:
    """Say what is wrong and what to do about it; else that nothing is."""
    del zone
    wrong = [c for c in doc["checks"] if c["ok"] is False]
    lines = [f"{c['name']}: {c['found']}. Next: {c['remedy']}" for c in wrong]
    head = "All checks passed." if not wrong else f"{len(wrong)} checks failed:"
    detail = [
        f"{'ok' if c['ok'] else '?' if c['ok'] is None else 'WRONG'} {c['name']}: {c['found']}"
        for c in doc["checks"]
    ]
    return Said("\n".join([head, *lines]), "\n".join(detail))


def health(doc: Document, zone: str) -> Said:
    """Say how the process does."""
    del zone
    lines = [
        f"{'Ready' if doc['ready'] else 'NOT ready'}, up {span(doc['up_s'])}, "
        f"{doc['rss_mb'] or '?'} MB",
        f"Loop late by {span(doc['lag_s'])} at most; {doc['inbox']} events wait",
        f"Journal {doc['journal']}; coverage passes {doc['coverage_passes']}"
        + (f"; BLIND: {doc['blind']}" if doc["blind"] else ""),
        f"Alerts waiting: {_counts(doc['alerts_waiting'])}; not acknowledged: "
        f"{', '.join(doc['alerts_open']) or 'none'}",
    ]
    return Said("\n".join(lines))


def _counts(waiting: Document) -> str:
    return ", ".join(f"{name} {count}" for name, count in waiting.items()) or "no channel"


def config(doc: Document, zone: str) -> Said:
    """Say what governs the run."""
    del zone
    settings = doc["settings"]
    main, limits = settings["breakwater"], settings["risk"]
    budget = limits["profile"] or f"budget {limits['loss_budget_frac']}"
    lines = [
        f"{main['mode']}, {budget}, enforce {limits['enforce']}",
        f"Symbols: {', '.join(limits['symbols'])}",
        f"Strategies: {', '.join(settings['strategies']['enabled']) or 'none'}",
        f"Configuration {doc['config']}",
    ]
    sizing = [f"{name} = {value}" for name, value in limits["sizing"].items()]
    return Said("\n".join(lines), "\n".join(sizing))


def version(doc: Document, zone: str) -> Said:
    """Say which program runs."""
    del zone
    return Said(
        f"breakwater {doc['version']}, Python {doc['python']}, run {doc['run_id']}, "
        f"mode {doc['mode']}"
    )


def reload(doc: Document, zone: str) -> Said:
    """Say what a look into the files gave."""
    del zone
    lines = []
    if doc["applied"]:
        lines.append(f"In force from now on: {', '.join(doc['applied'])}.")
    if doc["at_next_start"]:
        lines.append(
            f"Changed, in force at the next start: {', '.join(doc['at_next_start'])}. "
            "Tighter limits hold at once then, looser ones wait (/limits)."
        )
    return Said("\n".join(lines) or "The files say what is already in force.")
