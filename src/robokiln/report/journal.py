"""rollouts.jsonl: finished rollouts, one a line, so that a killed evaluation continues."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from robokiln.files import refuse_links
from robokiln.report.policies import policy_hash
from robokiln.report.rollouts import EvaluateConfig, Rollout
from robokiln.serial import canonical_json, from_json, parse_json, to_json
from robokiln.types import RobokilnError

NAME = "rollouts.jsonl"
FORMAT = "robokiln-rollouts-2"


def identity(config: EvaluateConfig, policies: Mapping[str, Path]) -> dict[str, Any]:
    """The journal's first line: the configuration and the policies' hashes."""
    hashes = {name: policy_hash(policies[name]) for name in sorted(policies)}
    plan = {"configuration": to_json(config), "policies": hashes}
    digest = hashlib.sha256(canonical_json(plan).encode()).hexdigest()
    return {"format": FORMAT, "sha256": digest, **plan}


class Journal:
    """Finished rollouts by (row, scene); `add` puts one on disk."""

    def __init__(self, file: IO[str], done: dict[tuple[str, int], Rollout]) -> None:
        self._file, self.done = file, done

    def add(self, rollout: Rollout) -> None:
        """Append and sync."""
        self._file.write(canonical_json(rollout) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done[rollout.row, rollout.scene] = rollout


@contextmanager
def opened(out: Path, plan: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal of `out`, alone; refuses a directory that is not ours or of another plan."""
    path = out / NAME
    if out.exists() and not path.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RobokilnError(f"{out}: exists and holds no evaluation; choose another directory")
    out.mkdir(parents=True, exist_ok=True)
    refuse_links(out)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RobokilnError(f"{out}: another evaluation is writing here") from None
        done = _read(path, file, plan)
        yield Journal(file, done)


def read_configuration(out: Path) -> Mapping[str, Any]:
    """The configuration that a directory's rollouts were made with."""
    path = out / NAME
    try:
        with path.open(encoding="utf-8") as file:
            first = parse_json(file.readline())
    except (OSError, ValueError):
        raise RobokilnError(f"{out}: no evaluation; {NAME} is missing or damaged") from None
    return _configuration(path, first)


def _read(path: Path, file: IO[str], plan: Mapping[str, Any]) -> dict[tuple[str, int], Rollout]:
    """What is there; a last line cut short by a kill is cut off."""
    file.seek(0)
    text = file.read()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.truncate(len(whole.encode()))
    lines = whole.splitlines()
    if not lines:
        file.write(canonical_json(plan) + "\n")
        return {}
    try:
        first, *rest = [parse_json(line) for line in lines]
    except ValueError:
        raise RobokilnError(f"{path}: damaged; delete the directory to evaluate again") from None
    _check(path, first, plan)
    found = [from_json(Rollout, entry, str(path)) for entry in rest]
    return {(rollout.row, rollout.scene): rollout for rollout in found}


def _check(path: Path, before: Any, plan: Mapping[str, Any]) -> None:
    configuration = _configuration(path, before)
    if before["sha256"] == plan["sha256"]:
        return
    old = {**configuration, "policies": before.get("policies")}
    new = plan["configuration"] | {"policies": plan["policies"]}
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    raise RobokilnError(
        f"{path.parent}: holds an evaluation with another {', '.join(changed)}; "
        "choose another directory, or delete it"
    )


def _configuration(path: Path, first: Any) -> Mapping[str, Any]:
    """What a journal's first line says; RobokilnError if it is none of ours."""
    found = first.get("configuration") if isinstance(first, dict) else None
    if not isinstance(found, dict) or first.get("format") != FORMAT or "sha256" not in first:
        raise RobokilnError(f"{path}: expected {FORMAT}; choose another directory")
    return found
