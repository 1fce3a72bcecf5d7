"""A run directory: whose it is, for which plan, and who writes to it now."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from robokiln.faults import reach
from robokiln.files import (
    is_unfinished,
    make_directory,
    refuse_links,
    sync_directory,
    write_json,
)
from robokiln.kiln.plan import differences
from robokiln.serial import parse_json
from robokiln.types import RobokilnError

PUBLISHED = "published.json"
"""Beside the dataset: what its SHA256SUMS hashes to, so that no other can take its place."""


@contextmanager
def open_run(
    out: Path, identity: Mapping[str, Any], accept_environment: bool = False
) -> Iterator[dict[str, Any]]:
    """Hold `out` for writing under `identity`, and give the contents of its plan.json.

    RobokilnError if it is someone else's directory, another plan's, or another process writes. With
    `accept_environment` other code or packages are no reason to refuse: they are recorded.
    """
    _refuse_foreign(out)
    # A unit is only as durable as the names of all directories above it.
    make_directory(out)
    with _lock(out):
        reach("run.locked")
        plan_file = out / "plan.json"
        before = read_plan(plan_file) if plan_file.exists() else None
        held = dict(identity)
        if before is not None:
            held = _continued(out, before, identity, accept_environment)
        if held != before:
            write_json(plan_file, held)
            sync_directory(out)
        reach("run.planned")
        for stale in ("staging", "dataset.building"):
            shutil.rmtree(out / stale, ignore_errors=True)
        for given_up in (out / "quarantine").glob("*.json"):
            given_up.unlink()  # its slot is tried again
        make_folders(out)
        for folder in (out, out / "receipts", out / "quarantine"):
            _sweep_unfinished(folder)
        reach("run.swept")
        yield held


def clear_staging(out: Path) -> None:
    """Remove what is half made; no worker may run any more."""
    for folder in (out / "staging").iterdir():
        shutil.rmtree(folder, ignore_errors=True)


def make_folders(out: Path) -> None:
    """The folders that units pass through."""
    for needed in ("staging", "units", "receipts", "quarantine"):
        (out / needed).mkdir(exist_ok=True, parents=True)
    sync_directory(out)
    # A run may have been killed between a unit's rename and the sync; from here on it counts.
    sync_directory(out / "units")


def _sweep_unfinished(folder: Path) -> None:
    for file in folder.iterdir():
        if is_unfinished(file.name):
            file.unlink()


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise RobokilnError(f"{out}: expected a directory, found a file; choose another out=DIR")
    found = sorted(p.name for p in out.iterdir())
    # The first run may have been cut short before its plan had got its name.
    begun = all(n == ".lock" or (is_unfinished(n) and n.startswith(".plan.json.")) for n in found)
    if not begun and "plan.json" not in found:
        raise RobokilnError(
            f"{out}: not a run directory of robokiln (no plan.json; it holds "
            f"{', '.join(found[:5])}); nothing was touched; choose a new or empty out=DIR"
        )
    refuse_links(out)  # before anything is locked, cleared or written through one


def read_plan(plan_file: Path) -> dict[str, Any]:
    """The contents of a run's plan.json."""
    try:
        found = parse_json(plan_file.read_text())
        if found["format"] == "robokiln-plan-1" and "configuration" in found:
            return dict(found)
    except (ValueError, KeyError, TypeError):
        pass
    raise RobokilnError(f"{plan_file}: not a plan of robokiln; choose a new or empty out=DIR")


def published_hash(out: Path) -> str | None:
    """The SHA-256 of the SHA256SUMS that the run published, or is about to; None if neither."""
    path = out / PUBLISHED
    if not path.exists():
        return None
    try:
        return str(parse_json(path.read_text())["sha256sums"])
    except (ValueError, KeyError, TypeError):
        raise RobokilnError(f"{path}: can't be read; delete it if the dataset is intact") from None


def _continued(
    out: Path, before: dict[str, Any], now: Mapping[str, Any], accept_environment: bool
) -> dict[str, Any]:
    """What plan.json says once this session goes on with it, or an error with the differences."""
    same = "Use the same values to continue it, or choose another out=DIR."
    _refuse_differences(out, before, now, ("format", "configuration"), same)
    if (out / "dataset").exists():
        return before
    overrides: list[dict[str, Any]] = before.get("overrides", [])
    latest = overrides[-1] if overrides else before
    made_in = ("code_sha256", "environment")
    if not accept_environment:
        same = (
            "Use the same code and versions to continue it, or choose another out=DIR. With "
            "accept_environment=true it goes on: the dataset's plan then names both, and its bytes "
            "are promised for neither."
        )
        _refuse_differences(out, latest, now, made_in, same)
    if not _differences(latest, now, made_in):
        return before
    return {**before, "overrides": [*overrides, {key: now[key] for key in made_in}]}


def _refuse_differences(
    out: Path, before: Mapping[str, Any], now: Mapping[str, Any], keys: Sequence[str], advice: str
) -> None:
    lines = _differences(before, now, keys)
    if lines:
        raise RobokilnError(
            f"{out} was begun with another plan:\n" + "\n".join(lines) + f"\n{advice}"
        )


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], keys: Sequence[str]
) -> list[str]:
    old, new = ({k: facts[k] for k in keys if k in facts} for facts in (before, now))
    return differences(old, new)


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
