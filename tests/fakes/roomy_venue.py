"""`python -m tests.fakes.roomy_venue venue ...`: the venue without a weight limit.

For tests that restart daemons and read the book far more often than an address may; what they
prove has nothing to do with the limit, and a test's own readings must not use up the bot's share.
"""

from bot.app.cli import main
from bot.simulator.binance.weights import Meter


def _spend_nothing(_meter: Meter, _now_ns: int, _weight: int) -> None:
    return


if __name__ == "__main__":
    Meter.spend = _spend_nothing
    main()
