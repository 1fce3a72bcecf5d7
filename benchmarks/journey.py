"""A whole recipe from nothing, against its targets: minutes, success, memory.

    python benchmarks/journey.py --recipe quickstart --json out/quickstart.json
    python benchmarks/journey.py --recipe reference

Runs `robokiln run recipe=...` into a directory of its own, then reads report.json and run.json.
Exit code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGETS = {
    "quickstart": {"minutes": 15, "generation_minutes": 4, "image_policy": (60, 100)},
    "reference": {"minutes": 75, "generation_minutes": None, "image_policy": (180, 200)},
}
WORKER_MB, TRAINING_MB = 1024, 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", choices=sorted(TARGETS), default="quickstart")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / options.recipe
        start = time.monotonic()
        command = [sys.executable, "-m", "robokiln.cli", "run", f"recipe={options.recipe}"]
        subprocess.run([*command, f"out={out}"], check=True)
        facts = measure(out, time.monotonic() - start)
    rows = judge(facts, TARGETS[options.recipe])
    for what, found, target, met in rows:
        print(f"{'met   ' if met else 'MISSED'}  {what:<34} {found:>12}  target {target}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    raise SystemExit(0 if all(met for *_, met in rows) else 1)


def measure(out: Path, seconds: float) -> dict[str, Any]:
    """What the run directory and this process's children say."""
    report = json.loads((out / "report.json").read_text())
    sessions = json.loads((out / "generate" / "run.json").read_text())["sessions"]
    # The journey's own process trains; it is the largest of our children.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "minutes": seconds / 60,
        "generation_minutes": report["seconds"]["generate"] / 60,
        "seconds": report["seconds"],
        "generation": report["generation"],
        "evaluation": report["evaluation"],
        "peak_worker_mb": max(s["peak_worker_bytes"] for s in sessions) / 2**20,
        "peak_training_mb": largest * (1 / 2**20 if sys.platform == "darwin" else 1 / 2**10),
    }


def judge(facts: dict[str, Any], targets: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(what, found, target, met) for each target."""
    rows = []
    for name in ("minutes", "generation_minutes"):
        if targets[name] is not None:
            met = facts[name] <= targets[name]
            rows.append((name, f"{facts[name]:.1f}", f"<= {targets[name]}", met))
    found, (least, n) = facts["evaluation"], targets["image_policy"]
    row = found["image_policy"]
    met = row["n"] == n and row["successes"] >= least
    rows.append(("image_policy", f"{row['successes']}/{row['n']}", f">= {least}/{n}", met))
    for name in ("noop", "random"):
        row = found[name]
        rows.append((name, f"{row['successes']}/{row['n']}", "0", row["successes"] == 0))
    for name in ("blank_images", "swapped_instruction"):
        row = found[name]
        met = row["successes"] <= 0.1 * row["n"]
        rows.append((name, f"{row['successes']}/{row['n']}", "<= 10 %", met))
    for name, most in (("peak_worker_mb", WORKER_MB), ("peak_training_mb", TRAINING_MB)):
        rows.append((name, f"{facts[name]:.0f}", f"<= {most}", facts[name] <= most))
    return rows


if __name__ == "__main__":
    main()
