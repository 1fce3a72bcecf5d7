"""A run directory: whose it is, for which plan, and who writes to it now."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from robokiln.files import sync_directory, write_json
from robokiln.kiln.plan import differences
from robokiln.types import RobokilnError


@contextmanager
def open_run(out: Path, identity: Mapping[str, Any]) -> Iterator[None]:
    """Hold `out` for writing under `identity` (the contents of plan.json).

    RobokilnError if it is someone else's directory, another plan's, or another process writes.
    """
    _refuse_foreign(out)
    out.mkdir(parents=True, exist_ok=True)
    with _lock(out):
        plan_file = out / "plan.json"
        if plan_file.exists():
            _refuse_other_plan(out, _read(plan_file), identity)
        else:
            write_json(plan_file, identity)
            sync_directory(out)
        for stale in ("staging", "dataset.building"):
            shutil.rmtree(out / stale, ignore_errors=True)
        for given_up in (out / "quarantine").glob("*.json"):
            given_up.unlink()  # its slot is tried again
        for needed in ("staging", "units", "quarantine"):
            (out / needed).mkdir(exist_ok=True)
        yield


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise RobokilnError(f"{out}: expected a directory, found a file; choose another out=DIR")
    found = sorted(p.name for p in out.iterdir())
    if found in ([], [".lock"]):
        return
    if "plan.json" not in found:
        raise RobokilnError(
            f"{out}: not a run directory of robokiln (no plan.json; it holds "
            f"{', '.join(found[:5])}); nothing was touched; choose a new or empty out=DIR"
        )


def _read(plan_file: Path) -> dict[str, Any]:
    try:
        found = json.loads(plan_file.read_text())
        if found["format"] == "robokiln-plan-1" and "configuration" in found:
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise RobokilnError(f"{plan_file}: not a plan of robokiln; choose a new or empty out=DIR")


def _refuse_other_plan(out: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    published = (out / "dataset").exists()
    keys = ("configuration",) if published else tuple(now)
    lines = differences({k: before[k] for k in keys if k in before}, {k: now[k] for k in keys})
    if lines:
        raise RobokilnError(
            f"{out} was begun with another plan:\n" + "\n".join(lines) + "\n"
            "Use the same values (and versions) to continue it, or choose another out=DIR."
        )


@contextmanager
def _lock(out: Path) -> Iterator[None]:
    """A kernel lock: it ends with its process, however that ends."""
    with (out / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "an unknown process"
            raise RobokilnError(f"{out} is being written by {holder}") from None
        since = datetime.now(UTC).isoformat(timespec="seconds")
        file.truncate(0)
        file.write(f"pid {os.getpid()} on {socket.gethostname()} since {since}")
        file.flush()
        yield
