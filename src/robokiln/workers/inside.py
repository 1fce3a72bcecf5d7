"""What runs inside a worker, whoever started it, and the environment that it inherits."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from robokiln.workers.execution import Failure

Job = TypeVar("Job")
Result = TypeVar("Result")

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Of the environment, "1" in every worker: the number of threads may change a sum's last bit."""
MEMORY_EXIT = 93
"""Exit code of a worker that exceeded its memory bound."""
POLL_S = 0.2
"""Between looks at the resident set."""

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def guarded(function: Callable[[Job], Result], job: Job) -> Result | Failure:
    """The result; an exception travels as text, since not every one can be unpickled."""
    try:
        return function(job)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")


def leave_over(bound_mb: int) -> None:
    """End this process at once if its resident set exceeds the bound."""
    if _resident_bytes() > bound_mb * 2**20:
        os._exit(MEMORY_EXIT)


def _resident_bytes() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE
    except OSError:
        # Elsewhere than on Linux the largest so far, in units that differ by system.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started within inherit."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
