"""Runs of the real command, what they leave behind, and how it compares with an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SMALL = ("image_size=32", "antialias=false")
PLENTY_S = 600.0


@dataclass(frozen=True)
class Undisturbed:
    """What a run of so many episodes gives when nobody interferes."""

    episodes: int
    seconds: float
    sums: bytes
    manifests: dict[str, bytes]


def command(out: Path, episodes: int, *more: str) -> list[str]:
    """The run under test."""
    made = [sys.executable, "-m", "robokiln.cli", "generate", *SMALL]
    return [*made, f"episodes={episodes}", f"out={out}", *more]


def start(
    out: Path,
    episodes: int,
    *more: str,
    faults: str = "",
    once: Path | None = None,
    words: Path = Path(os.devnull),
    **env: str,
) -> subprocess.Popen[bytes]:
    """The run in a process group of its own; its error stream goes to the file `words`."""
    variables = {**os.environ, **env, "ROBOKILN_FAULTS": faults}
    if once is not None:
        once.mkdir(exist_ok=True)
        variables["ROBOKILN_FAULTS_ONCE"] = str(once)
    with words.open("wb") as errors:
        return subprocess.Popen(
            command(out, episodes, *more),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            process_group=0,
            env=variables,
        )


def finish(process: subprocess.Popen[bytes]) -> int:
    """The exit code, once the run is over; none of its processes is left then."""
    code = process.wait(PLENTY_S)
    wait_for_orphans(process.pid)
    return code


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the coordinator alone, as an out-of-memory killer does; workers follow."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def wait_for_orphans(group: int) -> None:
    """Until the last worker has noticed that its parent is gone."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"workers of {group} outlived their coordinator by a minute")


def undisturbed(out: Path, episodes: int, *more: str) -> Undisturbed:
    """One run to the end, timed."""
    began = time.monotonic()
    assert finish(start(out, episodes, *more)) == 0
    sums = (out / "dataset" / "SHA256SUMS").read_bytes()
    return Undisturbed(episodes, time.monotonic() - began, sums, manifests(out))


def manifests(out: Path) -> dict[str, bytes]:
    """unit.json of each committed unit by its name; b"" where it is missing."""
    units = sorted((out / "units").glob("*"))
    files = {unit.name: unit / "unit.json" for unit in units}
    return {name: file.read_bytes() if file.exists() else b"" for name, file in files.items()}


def compare(out: Path, before: set[str], expected: Undisturbed) -> Counter[str]:
    """What a killed run broke: units that are gone, or that have other bytes."""
    found, counts = manifests(out), Counter[str]()
    counts["lost"] += len(before - found.keys())
    counts["doubled"] += len(found.keys() - expected.manifests.keys())
    for name, manifest in found.items():
        counts["different_bytes"] += manifest != expected.manifests.get(name)
    return counts


def compare_finished(out: Path, expected: Undisturbed) -> Counter[str]:
    """The same of a run that came to its end, and of its dataset."""
    counts = compare(out, set(expected.manifests), expected)
    rows = (out / "dataset" / "meta" / "robokiln" / "scenes.jsonl").read_text().splitlines()
    slots = Counter(json.loads(row)["slot"] for row in rows)
    counts["lost"] += len(set(range(expected.episodes)) - slots.keys())
    counts["doubled"] += sum(n - 1 for n in slots.values())
    counts["different_bytes"] += (out / "dataset" / "SHA256SUMS").read_bytes() != expected.sums
    return counts
