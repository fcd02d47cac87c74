"""What the cluster maps remember: live and spent fuel by price, and how well the map did."""

import msgspec


class PointMass(msgspec.Struct, frozen=True, kw_only=True):
    """One known position and the price at which it is liquidated (a watched whale)."""

    label: str
    is_long: bool
    price: float
    qty: float
    source: str = ""
    known_ns: int = 0
    """When it was seen to be so."""
    entry_price: float | None = None
    origin: str = ""

    @property
    def key(self) -> str:
        """What tells it from others: source, side and label."""
        return f"{self.source}|{'long' if self.is_long else 'short'}|{self.label}"


class ClusterMap(msgspec.Struct, kw_only=True):
    """Estimated liquidation prices of one symbol: coins by grid cell, times `scale`.

    `longs` lie below price and are eaten when it falls, `shorts` above.
    """

    longs: dict[int, float] = {}
    shorts: dict[int, float] = {}
    scale: float = 1.0
    """What every stored mass is worth now: decay without touching the cells."""
    long_top: int = -(2**31)
    """No long lies in a cell above this one."""
    short_bottom: int = 2**31
    points: list[PointMass] = []
    gone: dict[str, int] = {}
    """Watched positions that price has passed -> when: only a newer word brings one back."""
    from_ns: int = 0
    """When the first bar closed."""
    bar_ns: int = 0
    """When the newest bar closed."""
    close: float = 0.0
    bars: int = 0
    open_interest_qty: float = 0.0
    open_interest_ns: int = 0
    interest_close: float = 0.0
    """Price when the newest open interest was taken."""
    eaten_qty: float = 0.0
    """Coins eaten on both sides since the newest open interest."""
    refused: int = 0


class SpentMap(msgspec.Struct, kw_only=True):
    """Where liquidations really happened: USD by grid cell, times `scale`."""

    longs: dict[int, float] = {}
    shorts: dict[int, float] = {}
    scale: float = 1.0
    ns: int = 0


class Sample(msgspec.Struct, array_like=True, gc=False):
    """One side of one hour: what the map said, how far price went, what really was forced."""

    predicted_usd: float
    excursion_frac: float
    random_usd: list[float]
    """What the same levels at random distances would have said."""
    realised_usd: float = 0.0


class Hour(msgspec.Struct, kw_only=True):
    """The hour under way: the map as it was when the hour began, and how far price has gone."""

    ns: int
    price: float
    high: float
    low: float
    ahead_long: list[float]
    """USD per cell below price, nearest first."""
    ahead_short: list[float]


class ScoreBook(msgspec.Struct, kw_only=True):
    """The map's record against realised liquidations."""

    longs: list[Sample] = []
    shorts: list[Sample] = []
    hour: Hour | None = None
    predicted: dict[int, tuple[Sample, Sample]] = {}
    """Hours (start) whose realised liquidations are not known yet: long side, short side."""
    realised: dict[int, tuple[float, float]] = {}
    """Hours (start) told before their last bar: long USD, short USD."""
    seed: int = 1
