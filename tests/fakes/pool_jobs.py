"""Jobs whose worker dies, in a module that worker processes can import."""

import os
import signal
from pathlib import Path


def dies_once(job):
    """The square of a number; whoever is first at number 5 is killed."""
    mark, number = job
    if number == 5 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def dies_always(job):
    """Nothing."""
    os.kill(os.getpid(), signal.SIGKILL)
