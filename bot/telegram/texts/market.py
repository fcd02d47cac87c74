"""What the market does, in words."""

from bot.telegram.texts.said import (
    UNKNOWN,
    Document,
    Said,
    away,
    bullets,
    coin,
    millions,
    moment,
    percent,
    price,
)

NOTHING = Said("Nothing is known of any market yet.")


def funding(doc: Document, zone: str) -> Said:
    """Say what holding costs; positive: longs pay."""
    if not doc["funding"]:
        return NOTHING
    short, detail = [], []
    for row in doc["funding"]:
        if row["mean_8h_frac"] is None:
            short.append(f"{coin(row['symbol'])}: funding {UNKNOWN}")
            continue
        who = "longs pay" if row["mean_8h_frac"] >= 0 else "shorts pay"
        short.append(
            f"{coin(row['symbol'])}: {percent(row['mean_8h_frac'], 4)} per 8 h "
            f"({percent(row['apr_frac'], 1)} a year), {who}"
        )
        detail += [
            f"{coin(row['symbol'])} {venue['venue']}: next {percent(venue['predicted_8h_frac'], 4)}"
            f", last {percent(venue['settled_8h_frac'], 4)} at {moment(venue['settled_at'], zone)}"
            for venue in row["by_venue"]
        ]
    return Said("\n".join(short), "\n".join(detail))


def oi(doc: Document, zone: str) -> Said:
    """Say open interest and its changes."""
    del zone
    if not doc["open_interest"]:
        return NOTHING
    short, detail = [], []
    for row in doc["open_interest"]:
        changes = ", ".join(
            f"{percent(change['change_frac'], 1)} in {change['horizon_s'] / 3600:g} h"
            for change in row["changes"]
            if change["change_frac"] is not None
        )
        short.append(
            f"{coin(row['symbol'])}: {price(row['open_interest_coin'])} coins open"
            f" ({changes or 'changes ' + UNKNOWN})"
        )
        detail += [
            f"{coin(row['symbol'])} {v['venue']}: {price(v['open_interest_coin'])} coins"
            + ("" if v["fresh"] else " (old)")
            for v in row["by_venue"]
        ]
        detail += [f"{q['horizon_s'] / 3600:g} h: {q['name']}" for q in row["quadrants"]]
    return Said("\n".join(short), "\n".join(detail))


def liquidations(doc: Document, zone: str) -> Said:
    """Say what was forced in a day."""
    if not doc["liquidations"]:
        return NOTHING
    short, detail = [], []
    for row in doc["liquidations"]:
        times = row["times_ordinary"]
        usual = "" if times is None else f", {times:g} times an ordinary day"
        short.append(
            f"{coin(row['symbol'])} in 24 h: longs {millions(row['long_24h_usd'])}, shorts "
            f"{millions(row['short_24h_usd'])}{usual}. Cascade: {row['cascade_words'] or UNKNOWN}"
        )
        detail += [
            f"{row_['window_s'] / 3600:g} h: longs {millions(row_['long_usd'])}, shorts "
            f"{millions(row_['short_usd'])} ({', '.join(row_['venues'])})"
            for row_ in row["prints"]
        ]
        if row["highest_since"]:
            detail.append(f"The most since {moment(row['highest_since'], zone)}")
    return Said("\n".join(short), "\n".join(detail))


def levels(doc: Document, zone: str) -> Said:
    """Say the nearest levels above and below."""
    del zone
    rows = sorted(
        (row for row in doc["levels"] if row["distance_frac"] is not None),
        key=lambda row: abs(row["distance_frac"]),
    )
    if not rows:
        return Said("No level is known, or no price yet.")
    lines = [
        f"{coin(row['symbol'])} {price(row['low'])}"
        + (f"-{price(row['high'])}" if row["high"] != row["low"] else "")
        + f" {row['name']}: {row['side'] or 'no side yet'}, {row['state']}, "
        f"{away(row['distance_frac'])}"
        for row in rows
    ]
    zones = [
        f"{price(z['low'])}-{price(z['high'])}: {z['side'] or 'no side'}, {z['state']}, strength "
        f"{z['strength']}, {', '.join(z['kinds'])}"
        for z in sorted(doc["zones"], key=lambda z: abs(z["distance_frac"] or 9.0))[:12]
    ]
    return Said("\n".join(lines[:6]), "\n".join([*lines[6:20], "Zones of every kind:", *zones]))


def scenarios(doc: Document, zone: str) -> Said:
    """Say where each declared scenario stands."""
    del zone
    if not doc["scenarios"]:
        return Said("No scenario is declared.")
    lines = [
        f"{row['name']}: {row['status']}, stage {row['stage']}, {row['targets_hit']} of "
        f"{len(row['targets'])} targets"
        for row in doc["scenarios"]
    ]
    detail = [
        line
        for row in doc["scenarios"]
        for line in (
            f"{row['name']}: {row['says']}",
            f"  starts by {'; '.join(row['trigger'])}; ends by {row['invalidation'] or 'nothing'}",
        )
    ]
    allowed = [
        f"{coin(row['symbol'])}: {', '.join(row['allowed_sides']) or 'no side'}, size "
        f"{percent(row['size_factor'], 0)}"
        for row in doc["standing"]
    ]
    return Said("\n".join([*lines, "Allowed now:", *allowed]), "\n".join(detail))


def pulse(doc: Document, zone: str) -> Said:
    """Say Pulse, Stress and Threat, and what they rest on."""
    if not doc["markets"]:
        return NOTHING
    short, detail = [], []
    for row in doc["markets"]:
        name = coin(row["symbol"])
        if row["judged_at"] is None:
            short.append(f"{name}: nothing was judged yet")
            continue
        short.append(
            f"{name}: Pulse {row['pulse']} ({row['pulse_word']}), Stress {row['stress']} "
            f"({row['stress_word']}), Threat {row['threat']} to longs, {row['threat_short']} to "
            "shorts"
        )
        detail += [
            f"{name} ({moment(row['judged_at'], zone)}): {row['headline']}",
            *bullets(row["evidence"]),
            *bullets(f"missing: {what}" for what in row["degraded"]),
        ]
    return Said("\n".join(short), "\n".join(detail))


def threat(doc: Document, zone: str) -> Said:
    """Say the threat to what is held."""
    held = doc["account_threat"]
    head = "Nothing is held" if held is None else f"Threat to what is held: {held} of 5"
    rest = pulse(doc, zone)
    lines = [
        f"{coin(row['symbol'])}: {row['threat']} to longs ({row['threat_word']}), "
        f"{row['threat_short']} to shorts"
        for row in doc["markets"]
        if row["judged_at"] is not None
    ]
    return Said("\n".join([head, *lines]), rest.detail)
