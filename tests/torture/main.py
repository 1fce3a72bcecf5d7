"""The full torture: `make torture`. Kills at random and at every step, and power losses.

    python tests/torture/main.py --kills 200 --episodes 60 --json out/torture.json

Takes half an hour on two cores. Ends with 1 if anything was lost, doubled or different.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kills import kill_at_every_step, random_kills, worker_kills
from power_loss import measure
from undisturbed import undisturbed

BROKEN = ("lost", "doubled", "different_bytes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--episodes", type=int, default=60)
    parser.add_argument("--mean-s", type=float, default=3.5, help="mean time between two kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--power-resumes", type=int, default=None, help="default: every state")
    parser.add_argument("--json", type=Path, default=Path("out/torture.json"))
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts, parts = _killed(Path(folder), options)
    power = measure(options.power_resumes)
    total = {name: counts[name] + power[name] for name in BROKEN}
    found = {
        "kills": counts["kills"],
        "failpoints": counts["failpoints"],
        **total,
        "episodes": options.episodes,
        **parts,
        "power_loss": power,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "python": platform.python_version(),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 1 if any(total.values()) else 0


def _killed(folder: Path, options: argparse.Namespace) -> tuple[Counter[str], dict[str, Any]]:
    """All kills together, and each kind by itself."""
    long = undisturbed(folder / "undisturbed", options.episodes, "workers=2")
    say(f"undisturbed: {long.seconds:.1f} s")
    random = random_kills(folder, long, options.kills, options.mean_s, options.seed, say)
    workers = worker_kills(folder, long, options.mean_s, options.seed, options.kills)
    say(f"workers killed: {dict(workers)}")
    short = undisturbed(folder / "short", 4, "workers=2")
    steps = kill_at_every_step(folder, short, say)
    parts = {"coordinator": random, "workers": workers, "steps": steps}
    seconds = {"undisturbed_s": round(long.seconds, 1)}
    return random + workers + steps, {**seconds, **{k: dict(v) for k, v in parts.items()}}


def say(what: str) -> None:
    """Progress of long work."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
