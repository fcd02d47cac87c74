"""Who plays the trials: this process, processes beside it, or the workers of a Dask cluster."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, TypeVar

from bot.domain.errors import ConfigInvalid
from bot.lab.pool import spread

Job = TypeVar("Job")
Done = TypeVar("Done")
CONNECT_S = 10
STRANGE = "deserialization"
"""How Dask words it when what was sent cannot be loaded at the other end."""
MISSING = (
    "--cluster: distributed is not installed; install the extra `cluster` "
    "(pip install 'breakwater[cluster]') or leave --cluster out"
)


def played(
    play: Callable[[Job], Done], jobs: Sequence[Job], *, processes: int, cluster: str
) -> Iterator[Done]:
    """Yield what became of each job, as it comes.

    Raises:
        ConfigInvalid: the cluster cannot be reached or cannot load this program, or its extra is
            missing.
    """
    if cluster:
        yield from _clustered(play, jobs, cluster)
    elif processes <= 1:
        yield from map(play, jobs)
    else:
        for _, done in spread(play, dict(enumerate(jobs)), processes):
            yield done


def _clustered(play: Callable[[Job], Done], jobs: Sequence[Job], cluster: str) -> Iterator[Done]:
    distributed = _distributed()
    try:
        client: Any = distributed.Client(cluster, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        line = str(error).splitlines()[0][:120]
        raise ConfigInvalid(f"--cluster {cluster}: cannot be reached ({line})") from None
    with client:
        try:
            waiting = client.map(play, jobs, pure=False)
            for _, done in distributed.as_completed(waiting, with_results=True):
                yield done
        except (ImportError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and STRANGE not in str(error):
                raise
            raise ConfigInvalid(
                f"--cluster {cluster}: its scheduler or workers cannot load what they are sent: "
                "start them where this breakwater, of the same version, can be imported"
            ) from None


def _distributed() -> ModuleType:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise ConfigInvalid(MISSING) from None
