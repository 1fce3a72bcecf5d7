"""What an episode costs by stage, how workers add up, and what the coordinator takes.

    python benchmarks/scale.py --episodes 60 --workers 1 2 --json out/scale.json

Runs `robokiln generate` for each number of workers and watches it from outside: units as they are
committed, CPU of the coordinator by /proc. Rates count from the first committed unit to the last,
so that starting up is apart. Ends with what a million episodes cost, by these figures alone. Wants
a machine with nothing else to do; the efficiency is that of one run each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TICK_S = 0.05
MILLION = 1_000_000


@dataclass(frozen=True)
class Sample:
    """Seconds since the start, units committed, CPU seconds of the coordinator alone."""

    seconds: float
    units: int
    cpu: float


@dataclass(frozen=True)
class Measured:
    """One run. `rate` is committed units a second between the first and the last of them; the
    coordinator's CPU is that of the same time, by unit and as a share of all CPU."""

    workers: int
    rate: float
    startup_s: float
    assembly_s: float
    worker_cpu_s: float
    coordinator_cpu_ms: float
    coordinator_share: float
    stages: dict[str, float]
    unit_bytes: float
    dataset_bytes: float
    unit_files: float
    dataset_files: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            measure(Path(folder) / str(n), options.episodes, n, options.image_size)
            for n in options.workers
        ]
    each = runs[0].rate / runs[0].workers
    found = {
        "episodes": options.episodes,
        "image_size": options.image_size,
        "cores": os.cpu_count(),
        "runs": [asdict(run) for run in runs],
        "efficiency": {r.workers: r.rate / r.workers / each for r in runs},
        "million": million(runs[-1], runs[0].worker_cpu_s, options.episodes),
    }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def measure(out: Path, episodes: int, workers: int, size: int) -> Measured:
    """One run from nothing, watched."""
    command = [sys.executable, "-m", "robokiln.cli", "generate", f"out={out}"]
    command += [f"episodes={episodes}", f"image_size={size}", f"workers={workers}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    samples, began = [], time.monotonic()
    while process.poll() is None:
        samples.append(Sample(time.monotonic() - began, committed(out), cpu(process.pid)))
        time.sleep(TICK_S)
    total = time.monotonic() - began
    assert process.returncode == 0, f"generate ended with {process.returncode}"
    first = next(s for s in samples if s.units)
    last = next(s for s in samples if s.units == episodes)
    log = json.loads((out / "run.json").read_text())["units"]
    done = last.units - first.units
    spent = (last.cpu - first.cpu) / done
    unit_cpu = log["cpu_seconds"] / log["count"]
    return Measured(
        workers=workers,
        rate=done / (last.seconds - first.seconds),
        startup_s=first.seconds,
        assembly_s=total - last.seconds,
        worker_cpu_s=unit_cpu,
        coordinator_cpu_ms=1e3 * spent,
        coordinator_share=spent / (spent + unit_cpu),
        stages={name: s / log["count"] for name, s in log["seconds"].items()},
        unit_bytes=size_of(out / "units") / episodes,
        dataset_bytes=size_of(out / "dataset") / episodes,
        unit_files=sum(1 for p in (out / "units").rglob("*") if p.is_file()) / episodes,
        dataset_files=sum(1 for p in (out / "dataset").rglob("*") if p.is_file()),
    )


def million(run: Measured, cpu_s: float, episodes: int) -> dict[str, Any]:
    """By plain multiplication; shards hold 500 episodes."""
    return {
        "core_hours": MILLION * (cpu_s + run.assembly_s / episodes) / 3600,
        "units_gb": MILLION * run.unit_bytes / 1e9,
        "dataset_gb": MILLION * run.dataset_bytes / 1e9,
        "unit_files": int(MILLION * run.unit_files),
        "workers_one_coordinator_feeds": int(1e3 * cpu_s / run.coordinator_cpu_ms),
    }


def committed(out: Path) -> int:
    """Units in place now."""
    try:
        return len(os.listdir(out / "units"))
    except FileNotFoundError:
        return 0


def cpu(pid: int) -> float:
    """User and system seconds of a process, without its children (proc_pid_stat(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


if __name__ == "__main__":
    main()
