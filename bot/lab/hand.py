"""Opens held positions as a human would: all equity as margin, at the open plus costs."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid, InvariantBroken
from bot.domain.orders import OrderKind, PositionSide
from bot.domain.units import ZERO
from bot.lab.options import ReplayOptions
from bot.lab.stage import ACCOUNT, Stage
from bot.simulator.exchange import Exchange, ExchangeRefused, OrderRequest
from bot.simulator.market import to_tick

HAND_ID: Final = "hand-open"
"""Start of the client id: not one of ours, so that the guard sees a stranger's position."""
SHRINKS_MAX: Final = 50
HEDGED_MAX: Final = 40
SHRINK: Final = Decimal("0.999")
MARGIN_REFUSED: Final = -2019
CENT: Final = Decimal("0.01")


def held_symbols(symbols: tuple[str, ...], options: ReplayOptions) -> tuple[str, ...]:
    """Return what is held by hand: nothing, the first symbol, or all of them."""
    if options.hold is None:
        return ()
    return symbols if options.hold_all else symbols[:1]


def open_by_hand(stage: Stage, symbols: tuple[str, ...], options: ReplayOptions) -> None:
    """Open `options.hold` in every symbol, each with an equal part of the wallet as margin.

    Raises:
        ConfigInvalid: the exchange does not take such a position.
    """
    side = PositionSide.LONG if options.hold == "long" else PositionSide.SHORT
    other = PositionSide.SHORT if side is PositionSide.LONG else PositionSide.LONG
    sides = (side,) if options.adl is None else (other, side)
    part_usd = options.wallet_usd / max(len(symbols) * len(sides), 1)
    part_usd = part_usd.quantize(CENT, ROUND_DOWN)
    alone = len(symbols) == len(sides) == 1
    for symbol in symbols:
        for each in sides:
            _open(stage, symbol, each, options, part_usd, alone=alone)


def leverage_of(options: ReplayOptions) -> int:
    """Return the leverage to set; a hedge holds the whole size on both sides of one wallet.

    At more than HEDGED_MAX the costs of the first side leave no margin for the second.
    """
    return options.leverage if options.adl is None else min(2 * options.leverage, HEDGED_MAX)


def _open(
    stage: Stage, symbol: str, side: PositionSide, options: ReplayOptions, wallet_usd: Decimal,
    *, alone: bool,
) -> None:  # fmt: skip
    """Open one position with `wallet_usd` as margin and enough left for fees.

    Raises:
        ConfigInvalid: the exchange does not take such a position.
    """
    exchange = stage.exchange
    name = f"{HAND_ID}-{exchange.instrument(symbol).base}"
    if options.adl is not None:
        name += f"-{side.value}"
    qty = _all_in(exchange, symbol, leverage_of(options), wallet_usd)
    for _ in range(SHRINKS_MAX):
        request = OrderRequest(
            symbol=symbol,
            side=side.entry,
            kind=OrderKind.MARKET,
            qty=qty,
            client_order_id=name,
            position_side=side if options.adl is not None else None,
        )
        try:
            state = exchange.submit(ACCOUNT, request)
        except ExchangeRefused as refused:
            if refused.code != MARGIN_REFUSED:
                raise ConfigInvalid(
                    f"--hold {options.hold} --leverage {options.leverage}: the exchange refused "
                    f"{qty} {symbol} ({refused}); choose another leverage or wallet"
                ) from None
            qty = exchange.instrument(symbol).qty_down(qty * SHRINK)
            continue
        average = float(state.average_price) if state.average_price is not None else 0.0
        stage.story.tell(
            stage.now_ns,
            "hand",
            symbol,
            average,
            f"opened by hand: {side.value} {qty} at {leverage_of(options)}x",
            f"{options.margin.value.lower()} margin, all of {wallet_usd:,.2f} USD",
        )
        if options.margin is MarginMode.ISOLATED and alone:
            _wall_off_the_rest(exchange, symbol, side)
        stage.deliver()
        return
    raise InvariantBroken(f"{symbol}: the exchange never accepted the position to hold")


def _all_in(exchange: Exchange, symbol: str, leverage: int, wallet_usd: Decimal) -> Decimal:
    instrument = exchange.instrument(symbol)
    price = Decimal(repr(exchange.market(symbol).last))
    per_usd = Decimal(1) / leverage + Decimal(repr(instrument.taker_fee_frac))
    return instrument.qty_down(wallet_usd / per_usd / price)


def _wall_off_the_rest(exchange: Exchange, symbol: str, side: PositionSide) -> None:
    """Give what rounding and fees left over to the position: all equity is its margin."""
    rest = exchange.available_usd(ACCOUNT).quantize(CENT, ROUND_DOWN)
    if rest > ZERO:
        exchange.add_margin(ACCOUNT, symbol, side, rest)


def prepare(exchange: Exchange, symbols: tuple[str, ...], options: ReplayOptions) -> None:
    """Set margin mode and leverage of every symbol before the replay begins.

    Raises:
        ConfigInvalid: the contract does not allow this leverage.
    """
    trading = max(1, int(options.policy.sizing.leverage_max))
    held = held_symbols(symbols, options)
    if options.adl is not None:
        exchange.set_hedge_mode(ACCOUNT, hedge_mode=True)
    for symbol in symbols:
        leverage = leverage_of(options) if symbol in held else trading
        try:
            exchange.set_leverage(ACCOUNT, symbol, leverage)
        except ExchangeRefused as refused:
            raise ConfigInvalid(f"--leverage {leverage}: {symbol}: {refused.message}") from None
        if exchange.account(ACCOUNT).margin_modes[symbol] is not options.margin:
            exchange.set_margin_mode(ACCOUNT, symbol, options.margin)


def take_winner(stage: Stage, symbols: tuple[str, ...], options: ReplayOptions) -> None:
    """Let the venue auto-deleverage what wins of a hedge, at the instant `options.adl` names."""
    adl = options.adl
    if adl is None or stage.now_ns != adl.at_ns:
        return
    loser = PositionSide.LONG if options.hold == "long" else PositionSide.SHORT
    for position in stage.exchange.account(ACCOUNT).positions:
        if position.symbol not in symbols or position.side is loser or position.qty <= ZERO:
            continue
        side, contract = position.side, stage.exchange.instrument(position.symbol)
        worse = stage.exchange.market(position.symbol).mark * (1.0 - side.sign * adl.worse_frac)
        price = to_tick(worse, contract.tick, side.exit)
        stage.exchange.adl(ACCOUNT, position.symbol, side, position.qty, price)
        stage.story.tell(
            stage.now_ns,
            "adl",
            position.symbol,
            float(price),
            f"the venue auto-deleveraged {side.value} {position.qty} at {price:f}",
            "a loser's liquidation could not be filled; winners are closed against it",
        )
    stage.deliver()
