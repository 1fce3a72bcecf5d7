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
from robokiln.kiln.clock import Clock
from robokiln.kiln.datasheet import Measured
from robokiln.kiln.energy import Energy
from robokiln.kiln.unit import Receipt
from robokiln.serial import to_json
from robokiln.workers import Execution


class RunLog:
    """Adds one session to the file, also when it is cut short by an exception.

    `seconds` sums wall time by stage over all sessions; `units` sums what the receipts of all
    committed units say, whichever session made them.
    """

    def __init__(self, path: Path, command: str, execution: Execution) -> None:
        self._path = path
        self._clock, self._energy = Clock(), Energy()
        self._session: dict[str, Any] = {
            "command": command,
            "execution": to_json(execution),
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
        """What a worker needed for a unit."""
        peak = max(self._session["peak_worker_bytes"], receipt.peak_bytes)
        self._session["peak_worker_bytes"] = peak

    def measured(self) -> Measured:
        """What all sessions so far took, by receipts and energy counters."""
        cost = units_cost(self._path.parent)
        return Measured(cost["count"], cost["cpu_seconds"], cost["seconds"], self._joules())

    def _joules(self) -> float | None:
        """Of all sessions; None if one of them had no counter."""
        before = json.loads(self._path.read_text()) if self._path.exists() else {}
        spent = [session.get("joules") for session in before.get("sessions", [])]
        spent.append(self._energy.joules())
        return None if None in spent else sum(spent)

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
        seconds, joules = _rounded(self._clock.seconds), self._energy.joules()
        session = {**self._session, "seconds": seconds, "joules": joules}
        facts = {
            "seconds": _rounded(_sum(before.get("seconds", {}), self._clock.seconds)),
            "units": units_cost(self._path.parent),
            "sessions": [*before.get("sessions", []), session],
        }
        write_json(self._path, facts)


def units_cost(out: Path) -> dict[str, Any]:
    """Receipts of all committed units added up: wall seconds by stage, CPU seconds, hosts."""
    seconds: dict[str, float] = {}
    cpu, hosts, count = 0.0, set[str](), 0
    for path in sorted((out / "receipts").glob("*.json")):
        if not (out / "units" / path.stem).exists():
            continue
        receipt = json.loads(path.read_text())
        seconds = _sum(seconds, receipt["seconds"])
        cpu += receipt["cpu_seconds"]
        hosts.add(receipt["host"])
        count += 1
    return {
        "count": count,
        "seconds": _rounded(seconds),
        "cpu_seconds": round(cpu, 3),
        "hosts": sorted(hosts),
    }


def _sum(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    names = [*before, *(name for name in now if name not in before)]
    return {name: before.get(name, 0.0) + now.get(name, 0.0) for name in names}


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
