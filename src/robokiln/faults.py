"""Fail points: what a test can make go wrong, at a named step of the real program.

Off unless the environment variable ROBOKILN_FAULTS is set: `point=action`, several of them joined
by semicolons; `point@slot=action` strikes one slot only.

    ROBOKILN_FAULTS='commit.renamed@3=kill;unit.start@5=hang' robokiln generate ...

With ROBOKILN_FAULTS_ONCE=DIR each of them strikes once over all processes and runs: DIR remembers.
ROBOKILN_FAULTS_SLOW_S=N sets for how many seconds `slow` waits.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from robokiln.types import RobokilnError, lookup

VARIABLE, ONCE = "ROBOKILN_FAULTS", "ROBOKILN_FAULTS_ONCE"
SLOW = "ROBOKILN_FAULTS_SLOW_S"
SLOW_SECONDS = 30.0
"""Unless SLOW says otherwise: a hundred times what a small unit takes."""

UNIT_POINTS: Mapping[str, str] = {
    "unit.start": "a worker has taken a slot",
    "unit.simulated": "its motion is known, nothing is written",
    "unit.staged": "its staging directory is there",
    "unit.written": "its files are written, not synced",
    "unit.read_back": "its files were read back",
    "commit.sealed": "the manifest is written",
    "commit.synced": "files and staging directory are synced",
    "commit.receipt": "the receipt is written",
    "commit.renamed": "the unit is in units/, the directory not yet synced",
    "commit.durable": "the unit is committed, the coordinator not yet told",
}
"""In a worker, in this order; `@slot` tells slots apart."""
RUN_POINTS: Mapping[str, str] = {
    "run.locked": "the run directory is held, nothing is planned",
    "run.planned": "plan.json is written",
    "run.swept": "stale work is removed",
    "publish.begun": "all units are committed, the dataset is not begun",
    "publish.assembled": "tables and videos are written",
    "publish.described": "provenance and card are written",
    "publish.sealed": "SHA256SUMS is written and all is synced",
    "publish.renamed": "the dataset is in place, its directory not yet synced",
    "publish.durable": "the dataset is published, the run log not yet written",
}
"""In the coordinator, in this order."""
IO_POINTS: Mapping[str, str] = {
    "files.write": "before a file of ours is written",
    "files.fsync": "before a file or a directory is synced",
}
POINTS = {**UNIT_POINTS, **RUN_POINTS, **IO_POINTS}


def reach(point: str, slot: int | None = None) -> None:
    """Do what the environment asks for at this point; nothing at all if it asks for nothing."""
    for fault, (where, only, action) in _planned(os.environ.get(VARIABLE, "")).items():
        if where == point and only in (None, slot) and _first(fault):
            ACTIONS[action]()


@cache
def _planned(text: str) -> dict[str, tuple[str, int | None, str]]:
    return {fault: _parsed(fault) for fault in text.split(";") if fault}


def _parsed(fault: str) -> tuple[str, int | None, str]:
    where, sign, action = fault.partition("=")
    point, at, slot = where.partition("@")
    if not sign or (at and not slot.isdigit()):
        raise RobokilnError(f"{VARIABLE}: '{fault}': expected point=action or point@slot=action")
    lookup(f"{VARIABLE}: point", point, POINTS)
    lookup(f"{VARIABLE}: action", action, ACTIONS)
    return point, int(slot) if at else None, action


def _first(fault: str) -> bool:
    folder = os.environ.get(ONCE)
    if folder is None:
        return True
    mark = Path(folder) / fault.replace("/", "_")
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_coordinator() -> None:
    """The worker's parent; the worker goes on until it notices."""
    os.kill(os.getppid(), signal.SIGKILL)


def _segfault() -> None:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    """As native code does that never returns: deaf to SIGTERM and SIGINT."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    while True:
        time.sleep(60)


def _memory() -> None:
    """Take 50 MB more and more until somebody stops it."""
    held = []
    while True:
        held.append(bytearray(os.urandom(1)) * 50_000_000)
        time.sleep(0.05)


def _io_error() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _slow() -> None:
    text = os.environ.get(SLOW, str(SLOW_SECONDS))
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise RobokilnError(f"{SLOW}: expected seconds, got '{text}'")
    time.sleep(float(text))


ACTIONS: Mapping[str, Callable[[], None]] = {
    "kill": _kill,
    "kill_coordinator": _kill_coordinator,
    "segfault": _segfault,
    "hang": _hang,
    "memory": _memory,
    "eio": _io_error,
    "enospc": _no_space,
    "slow": _slow,
}
