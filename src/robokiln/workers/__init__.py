"""A function over many jobs: on this machine's cores, or on a cluster by Ray."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

from robokiln.workers import local
from robokiln.workers.execution import EXECUTORS, Execution, Failure
from robokiln.workers.inside import Job, Result
from robokiln.workers.local import held_interrupts

__all__ = ["EXECUTORS", "Execution", "Failure", "held_interrupts", "map_unordered"]


def map_unordered(
    function: Callable[[Job], Result], jobs: Iterable[Job], execution: Execution
) -> Generator[tuple[Job, Result | Failure], None, None]:
    """Yield (job, result or Failure) as jobs end; `jobs` is consumed as workers become free.

    `function`, jobs and results must be picklable. Workers have one thread. A failed job is not
    tried again here. Closing the iterator, or an interrupt, stops the workers at once.
    """
    if execution.executor == "ray":
        from robokiln.workers import ray  # an extra, and slow to import

        return ray.map_unordered(function, jobs, execution)
    return local.map_unordered(function, jobs, execution)
