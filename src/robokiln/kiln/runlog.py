"""run.json: how a run went on this machine. It lies beside the dataset and is no part of it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import robokiln
from robokiln.files import write_json
from robokiln.kiln.unit import Clock, Receipt


class RunLog:
    """Adds one session to the file, also when it is cut short by an exception.

    `seconds` sums wall time by stage over all sessions; `unit_seconds` sums the workers' time.
    """

    def __init__(self, path: Path, command: str, workers: int) -> None:
        self._path = path
        self._clock = Clock()
        self._unit_seconds: dict[str, float] = {}
        self._session: dict[str, Any] = {
            "command": command,
            "workers": workers,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "robokiln": robokiln.__version__,
            "peak_worker_bytes": 0,
        }

    def __enter__(self) -> RunLog:
        return self

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run."""
        with self._clock.stage(name):
            yield

    def add(self, receipt: Receipt) -> None:
        """What a worker spent on a unit."""
        for name, seconds in receipt.seconds.items():
            self._unit_seconds[name] = self._unit_seconds.get(name, 0.0) + seconds
        peak = max(self._session["peak_worker_bytes"], receipt.peak_bytes)
        self._session["peak_worker_bytes"] = peak

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session["ended"] = "complete" if kind is None else kind.__name__
        try:
            self._write()
        except OSError:
            # A full disk is what the user must hear of, not that the log didn't fit either.
            if error is None:
                raise

    def _write(self) -> None:
        before = json.loads(self._path.read_text()) if self._path.exists() else {}
        session = {**self._session, "seconds": _rounded(self._clock.seconds)}
        facts = {
            "seconds": _sum(before.get("seconds", {}), self._clock.seconds),
            "unit_seconds": _sum(before.get("unit_seconds", {}), self._unit_seconds),
            "sessions": [*before.get("sessions", []), session],
        }
        write_json(self._path, facts)


def _sum(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    names = [*before, *(name for name in now if name not in before)]
    return _rounded({name: before.get(name, 0.0) + now.get(name, 0.0) for name in names})


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
