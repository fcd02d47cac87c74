"""Work spread over processes that outlives a killed one: what was not told is played again."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from typing import Final, TypeVar

from bot.domain.errors import DataInvalid

Key = TypeVar("Key")
Job = TypeVar("Job")
Done = TypeVar("Done")
BREAKS_MAX: Final = 5
"""Pools that may break one after another without a single job done in between."""


def spread(
    play: Callable[[Job], Done], jobs: Mapping[Key, Job], processes: int
) -> Iterator[tuple[Key, Done]]:
    """Yield what became of each job with its key, as it comes; one process: in order, here.

    A worker that is killed (memory, a signal) takes its pool with it; the rest begins again in
    a new one.

    Raises:
        DataInvalid: pool after pool broke and nothing was done in between.
    """
    if processes <= 1:
        yield from ((key, play(job)) for key, job in jobs.items())
        return
    left = dict(jobs)
    breaks = 0
    while left:
        before = len(left)
        for key, done in _until_broken(play, left, processes):
            del left[key]
            yield key, done
        breaks = 0 if len(left) < before else breaks + 1
        if breaks >= BREAKS_MAX:
            raise DataInvalid(
                f"--jobs {processes}: {breaks} pools of processes were killed one after another"
                f" ({len(left)} of {len(jobs)} left): is there memory enough? take fewer --jobs"
            )


def _until_broken(
    play: Callable[[Job], Done], jobs: Mapping[Key, Job], processes: int
) -> Iterator[tuple[Key, Done]]:
    """Yield what was done; jobs that a broken pool lost are missing."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: dict[Future[Done], Key] = {}
        with suppress(BrokenProcessPool):
            for key, job in list(jobs.items()):
                waiting[pool.submit(play, job)] = key
        try:
            for future in as_completed(waiting):
                with suppress(BrokenProcessPool):
                    yield waiting[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
