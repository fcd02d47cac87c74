"""Keeps the garbage collector away from what lives as long as the daemon does."""

import gc


def spare_collector() -> None:
    """Collect once, and set aside all that a start has made: history, contracts, code.

    A full collection would else walk a month of bars again and again, for tens of milliseconds
    each time, in which no stop leaves. Only for a process that does nothing else: what is set
    aside is never freed.
    """
    gc.collect()
    gc.freeze()


def spare_last_search() -> None:
    """Set everything aside because the process ends: its memory goes back as a whole.

    The interpreter would else walk all of it several times over, for nothing: a daemon of fifty
    accounts took longer to forget them than to end them.
    """
    gc.freeze()
