"""Folds closed bars into price over minutes, hours and days: falls, rises, ranges, RSI."""

import math

from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_MIN
from bot.kernel.observe import rings
from bot.kernel.sensed import PathBlock, PriceSense, SensePolicy, Senses, priors_of
from bot.kernel.snapshot import Bar

FINE_NS = 5 * NS_PER_MIN
FINE_PER_HOUR = 12
WINDOW_H = 48
DAY_H = 24
"""Whole hours of a window; the running hour comes on top, so that no window is ever shorter."""
HOURS_FOR_DAY = 18
"""Least hours with data for a day's volatility or range to be believed."""
RSI_LENGTH = 14
HALF_MOVE = 0.4
"""Mean gain (and mean loss) of a normal day, in its deviations."""


def block_of(number: int, open_: float, high: float, low: float, close: float) -> PathBlock:
    """Return a bar as a path: a falling bar is taken to have had its high first."""
    if close < open_:
        drop = (high - low) / high
        rise = max((high - open_) / open_, (close - low) / low)
    else:
        rise = (high - low) / low
        drop = max((open_ - low) / open_, (high - close) / high)
    return PathBlock(number, open_, high, low, close, drop, rise)


def join(first: PathBlock, then: PathBlock) -> PathBlock:
    """Return two stretches of price as one."""
    high, low, top, bottom = first.high, first.low, then.high, then.low
    drop, rise = (high - bottom) / high, (top - low) / low
    # comparisons in place of max and min, here and below: a call costs more than all the rest
    if drop < first.drop:
        drop = first.drop
    if drop < then.drop:
        drop = then.drop
    if rise < first.rise:
        rise = first.rise
    if rise < then.rise:
        rise = then.rise
    return PathBlock(
        first.number,
        first.open,
        top if top > high else high,
        bottom if bottom < low else low,
        then.close,
        drop,
        rise,
    )


def join_all(blocks: list[PathBlock]) -> PathBlock | None:
    """Return stretches in order of time as one; None without any."""
    if not blocks:
        return None
    whole = blocks[0]
    for each in blocks[1:]:
        whole = join(whole, each)
    return whole


def believable(open_: float, high: float, low: float, close: float) -> bool:
    """Whether four prices make a bar: finite, above zero, inside their extremes."""
    return 0.0 < low <= open_ <= high < math.inf and low <= close <= high


def on_bar(senses: Senses, bar: Bar, close_ns: int, policy: SensePolicy) -> bool:
    """Fold a closed bar (of history too); False when it is nonsense or not newer than the last."""
    prior = priors_of(policy, senses.symbol).sd_frac
    return fold(senses.price, bar.open, bar.high, bar.low, bar.close, close_ns, prior)


def fold(
    price: PriceSense,
    open_: float,
    high: float,
    low: float,
    close: float,
    close_ns: int,
    prior_sd_frac: float,
) -> bool:
    """Fold a closed bar; False when it is nonsense, or not newer than the last one.

    The RSI starts as if two balanced weeks of the asset's usual days lay behind it.
    """
    if not believable(open_, high, low, close) or close_ns <= price.close_ns:
        price.refused += 1
        return False
    if price.close_ns:
        price.bar_ns = close_ns - price.close_ns
    if price.close_ns == 0:
        price.rsi_gain = price.rsi_loss = HALF_MOVE * prior_sd_frac * open_
    price.close, price.close_ns = close, close_ns
    _fold_fine(price, block_of((close_ns - 1) // FINE_NS, open_, high, low, close))
    _fold_hour(price, block_of((close_ns - 1) // NS_PER_H, open_, high, low, close))
    _fold_day(price, (close_ns - 1) // NS_PER_DAY, close)
    return True


def last_hour(price: PriceSense) -> tuple[float, float] | None:
    """Return (worst fall, worst rise) of the last 60 minutes; never less with finer bars."""
    first = (price.close_ns - 1) // FINE_NS - FINE_PER_HOUR + (price.bar_ns >= FINE_NS)
    drop = rise = high = 0.0
    low = math.inf
    is_before = True
    for block in price.fine:
        if is_before and block.number < first:
            high = low = block.close
            continue
        is_before = False
        top, bottom = block.high, block.low
        if high > 0.0:
            fall, climb = 1.0 - bottom / high, top / low - 1.0
            if fall > drop:
                drop = fall
            if climb > rise:
                rise = climb
        fall, climb = block.drop, block.rise
        if fall > drop:
            drop = fall
        if climb > rise:
            rise = climb
        if top > high:
            high = top
        if bottom < low:
            low = bottom
    return (drop, rise) if price.fine else None


def last_48h(price: PriceSense) -> PathBlock | None:
    """Return the path of the last 48 hours, by whole hours and the running one."""
    if price.hour is None or price.past_48h is None:
        return price.hour
    return join(price.past_48h, price.hour)


def last_24h(price: PriceSense) -> PathBlock | None:
    """Return the path of the last 24 hours, by whole hours and the running one."""
    if price.hour is None or price.past_24h is None:
        return price.hour
    return join(price.past_24h, price.hour)


def rsi_now(price: PriceSense) -> float | None:
    """Return the daily RSI with today's price as if it were the close; None on the first day."""
    before = rings.get(price.days, price.day - 1)
    if before is None or price.rsi_gain + price.rsi_loss <= 0.0:
        return None
    return rsi_of(*_wilder(price.rsi_gain, price.rsi_loss, price.close - before))


def ret_24h(price: PriceSense) -> float | None:
    """Return the change since the end of the hour nearest to 24 hours ago."""
    then = rings.get(price.closes, (price.close_ns - NS_PER_DAY + NS_PER_H // 2) // NS_PER_H - 1)
    return None if then is None else price.close / then - 1.0


def rsi_of(gain: float, loss: float) -> float:
    """Return RSI of mean gain and loss; 50 where nothing moved."""
    return 50.0 if gain + loss <= 0.0 else 100.0 * gain / (gain + loss)


def _wilder(gain: float, loss: float, change: float) -> tuple[float, float]:
    gain += (max(change, 0.0) - gain) / RSI_LENGTH
    loss += (max(-change, 0.0) - loss) / RSI_LENGTH
    return gain, loss


def _fold_fine(price: PriceSense, block: PathBlock) -> None:
    fine = price.fine
    if fine and fine[-1].number == block.number:
        fine[-1] = join(fine[-1], block)
        return
    fine.append(block)
    while fine[0].number < block.number - FINE_PER_HOUR:
        del fine[0]


def _fold_hour(price: PriceSense, block: PathBlock) -> None:
    hour = price.hour
    if hour is not None and hour.number == block.number:
        number = hour.number
        price.hour = join(hour, block)
        price.hour.number = number
        rings.put(price.closes, number, block.close)
        return
    if hour is not None:
        price.hours.append(hour)
        _close_hour(price, hour.number, block.number)
    price.hour = block
    rings.put(price.closes, block.number, block.close)


def _close_hour(price: PriceSense, number: int, running: int) -> None:
    hours = price.hours
    while hours and hours[0].number < running - WINDOW_H:
        del hours[0]
    day = [hour for hour in hours if hour.number > number - DAY_H]
    if len(day) >= HOURS_FOR_DAY:
        whole = join_all(day)
        if whole is not None:
            rings.put(price.ranges, number, (whole.high - whole.low) / whole.open)
    vol = _day_vol(price, number)
    if vol is not None:
        rings.put(price.vols, number, vol)
    price.past_48h = join_all([hour for hour in hours if hour.number >= running - WINDOW_H])
    price.past_24h = join_all([hour for hour in hours if hour.number >= running - DAY_H])


def _day_vol(price: PriceSense, number: int) -> float | None:
    total, count = 0.0, 0
    before = rings.get(price.closes, number - DAY_H)
    for slot in range(number - DAY_H + 1, number + 1):
        close = rings.get(price.closes, slot)
        if close is not None and before is not None:
            total += math.log(close / before) ** 2
            count += 1
        before = close
    return math.sqrt(total * DAY_H / count) if count >= HOURS_FOR_DAY else None


def _fold_day(price: PriceSense, day: int, close: float) -> None:
    if day != price.day and price.day >= 0:
        ended = rings.get(price.days, price.day)
        before = rings.get(price.days, price.day - 1)
        if ended is not None and before is not None:
            price.rsi_gain, price.rsi_loss = _wilder(price.rsi_gain, price.rsi_loss, ended - before)
    price.day = day
    rings.put(price.days, day, close)
