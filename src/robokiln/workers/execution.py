"""How jobs are run. Nothing here may change a result."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from robokiln.types import RobokilnError, lookup

EXECUTORS = {
    "local": "processes of this machine",
    "ray": "tasks of Ray, on this machine or a cluster",
}
LEAST_MEMORY_MB = 100
"""Less than a worker takes before its first job."""
_SHARE = 0.8
"""Of the machine's memory, for all workers together."""


@dataclass(frozen=True)
class Execution:
    """Where and within which bounds jobs run.

    A job that overruns `deadline_s` is killed; a worker is replaced after `recycle_after` jobs
    (0: never), and leaves when its resident set exceeds `memory_mb` (None: its share of this
    machine). `address` is the Ray cluster's; None is a Ray of its own on this machine.
    """

    workers: int = 1
    deadline_s: float = 600.0
    recycle_after: int = 200
    executor: str = "local"
    memory_mb: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        lookup("executor", self.executor, EXECUTORS)
        _at_least("workers", self.workers, 1)
        _at_least("recycle_after", self.recycle_after, 0)
        if not 0 < self.deadline_s < float("inf"):
            raise RobokilnError(f"deadline_s: expected more than 0, got {self.deadline_s:g}")
        if self.memory_mb is not None:
            _at_least("memory_mb", self.memory_mb, LEAST_MEMORY_MB)
        if self.address is not None:
            self._check_address(self.address)
        if self.executor == "ray" and find_spec("ray") is None:
            raise RobokilnError(
                "executor: ray is not installed; pip install 'robokiln[ray]'"
            ) from None

    def _check_address(self, address: str) -> None:
        if self.executor != "ray":
            raise RobokilnError("ray_address: has a meaning with executor=ray only")
        if "://" in address or not address:
            raise RobokilnError(f"ray_address: expected HOST:PORT or auto, got '{address}'")

    @property
    def memory_bound_mb(self) -> int:
        """What one worker's resident set may take on this machine."""
        if self.memory_mb is not None:
            return self.memory_mb
        return max(LEAST_MEMORY_MB, int(_SHARE * _machine_bytes() / self.workers / 2**20))


@dataclass(frozen=True)
class Failure:
    """Why a job has no result; `transient` where the cause lies outside the job's own code."""

    reason: str
    transient: bool = False


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise RobokilnError(f"{key}: expected at least {least}, got {value}")


def _machine_bytes() -> int:
    """Physical memory, or what the container may have of it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return physical
