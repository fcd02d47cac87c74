"""Gathers the numbers a judgement is made of; what is missing is carried for a day, and said."""

import msgspec

from bot.domain.sense import Facts as Facts
from bot.domain.units import NS_PER_MIN
from bot.kernel.observe import baselines, funding, open_interest, path, readings, totals
from bot.kernel.observe.totals import LiqNow
from bot.kernel.sensed import Carried, OiVenue, SensePolicy, Senses, priors_of

PRICE_STALE_MIN_NS = 15 * NS_PER_MIN
INPUTS = ("liq", "oi", "fund", "fg", "skew", "etf", "corr")
"""Inputs besides price: each is live, carried, or was never there."""


GROUPS: dict[str, tuple[str, ...]] = {
    "liq": ("liq_24h_usd", "liq_base_usd", "long_share", "liq_1h_usd"),
    "oi": ("oi_change", "oi_sd"),
    "fund": ("funding_8h", "funding_med", "funding_sd"),
    "fg": ("fear_greed",),
    "skew": ("skew",),
    "etf": ("etf_z",),
    "corr": ("rho", "equity_ret"),
}


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Facts with what they lack: `held` keeps fading numbers for judging a step down."""

    facts: Facts
    price_live: bool
    stale: tuple[str, ...]
    """Inputs that were live within the carry and are not now."""
    absent: tuple[str, ...]
    """Inputs never there, or gone for longer than they are carried."""
    lost: dict[str, tuple[float | None, ...]]
    """Last numbers of absent inputs that once were live."""
    lost_weight: dict[str, float]
    """How much of a lost input's severity still counts against stepping down."""
    liq: LiqNow | None = None
    oi_qty: float | None = None
    oi_usd: float | None = None
    oi_venues: list[OiVenue] = []
    oi_known_qty: float = 0.0
    funding_8h: float | None = None
    """Mean over fresh venues, also while its history is too short to judge it."""
    base_is_prior: bool = False


def gather(senses: Senses, now_ns: int, policy: SensePolicy) -> Gathered:
    """Return the facts of now; inputs that went missing carry their last numbers."""
    found = _price_facts(senses)
    venues = open_interest.present(senses.open_interest, now_ns)
    known = open_interest.known_qty(senses.open_interest, now_ns)
    oi_qty = open_interest.total_qty(venues)
    oi_usd = oi_qty * senses.price.close if oi_qty is not None and senses.price.close else None
    liq = totals.now_of(senses.liquidations, now_ns)
    funding_8h = funding.mean_8h(senses, now_ns, venues)
    live = {
        "oi": _oi_facts(senses, now_ns, venues, known),
        "fund": _funding_facts(senses, funding_8h),
        "fg": _one(readings.fresh(senses.readings, readings.FEAR_GREED, now_ns)),
        "skew": _one(readings.fresh(senses.readings, readings.SKEW, now_ns)),
        "etf": _one(readings.etf_z(senses.readings, senses.baselines.etf_sd_usd, now_ns)),
        "corr": _equity_facts(senses, now_ns),
    }
    live["liq"], base_is_prior = _liq_facts(senses, liq, oi_usd, policy)
    stale: list[str] = []
    absent: list[str] = []
    lost: dict[str, tuple[float | None, ...]] = {}
    weight: dict[str, float] = {}
    for name in INPUTS:
        values = live[name]
        kept = senses.carried.get(name)
        if values is not None:
            if kept is None:
                kept = senses.carried[name] = Carried(values, now_ns)
            kept.values, kept.ns, kept.live = values, now_ns, True
        elif kept is None:
            absent.append(name)
        else:
            kept.live = False
            age_ns = now_ns - kept.ns
            if age_ns <= policy.carry_ns:
                values = kept.values
                stale.append(name)
            else:
                absent.append(name)
                lost[name] = kept.values
                weight[name] = 0.5 ** ((age_ns - policy.carry_ns) / policy.carry_ns)
        if values is not None:
            found.update(zip(GROUPS[name], values, strict=True))
    return Gathered(
        facts=Facts(**found),
        price_live=price_live(senses, now_ns),
        stale=tuple(stale),
        absent=tuple(absent),
        lost=lost,
        lost_weight=weight,
        liq=liq,
        oi_qty=oi_qty,
        oi_usd=oi_usd,
        oi_venues=venues,
        oi_known_qty=known,
        funding_8h=funding_8h,
        base_is_prior=base_is_prior,
    )


def price_live(senses: Senses, now_ns: int) -> bool:
    """Whether a bar has closed lately: within three bars, and at least a quarter of an hour."""
    price = senses.price
    limit_ns = max(PRICE_STALE_MIN_NS, 3 * price.bar_ns)
    return price.close_ns > 0 and now_ns - price.close_ns <= limit_ns


def _price_facts(senses: Senses) -> dict[str, float | None]:
    price, known = senses.price, senses.baselines
    hour = path.last_hour(price)
    day, two_days = path.last_24h(price), path.last_48h(price)
    if hour is None or day is None or two_days is None:
        return {}
    return {
        "price": price.close,
        "range_24h": (day.high - day.low) / day.open,
        "range_med": known.range_med,
        "ret_24h": path.ret_24h(price),
        "sd": known.sd,
        "drop_48h": two_days.drop,
        "rise_48h": two_days.rise,
        "drop_1h": hour[0],
        "rise_1h": hour[1],
        "rsi": path.rsi_now(price),
    }


def _oi_facts(
    senses: Senses, now_ns: int, venues: list[OiVenue], known_qty: float
) -> tuple[float | None, ...] | None:
    change = open_interest.log_change(venues, known_qty, now_ns, 86_400)
    sd = senses.baselines.oi_sd
    return None if change is None or sd is None else (change, sd)


def _funding_facts(senses: Senses, now: float | None) -> tuple[float | None, ...] | None:
    known = senses.baselines
    if now is None or known.funding_med is None or known.funding_sd is None:
        return None
    return now, known.funding_med, known.funding_sd


def _equity_facts(senses: Senses, now_ns: int) -> tuple[float | None, ...] | None:
    told = readings.fresh(senses.readings, readings.RHO, now_ns)
    rho = told if told is not None else senses.baselines.rho
    equity = readings.fresh(senses.readings, readings.EQUITY, now_ns)
    return None if rho is None or equity is None else (rho, equity)


def _liq_facts(
    senses: Senses, liq: LiqNow | None, oi_usd: float | None, policy: SensePolicy
) -> tuple[tuple[float | None, ...] | None, bool]:
    if liq is None:
        return None, False
    priors = priors_of(policy, senses.symbol)
    base, is_prior = baselines.liq_base_usd(liq.base, liq.base_days, oi_usd, priors)
    if base is None:
        return None, False
    total = liq.long_24h + liq.short_24h
    share = liq.long_24h / total if total > 0.0 else 0.5
    return (total, base, share, liq.last_1h), is_prior


def _one(value: float | None) -> tuple[float | None, ...] | None:
    return None if value is None else (value,)
