"""What the gates of a motion refuse, and what they cost: the same attempts with and without them.

    python benchmarks/gates.py --attempts 300 gates.penetration_m=0.005

Other arguments are those of `robokiln generate`. Prints reasons and CPU seconds of both, in one
process; whichever comes first takes turns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter

from robokiln.cli.compose import compose
from robokiln.cli.settings import generation_plan
from robokiln.kiln.unit import attempted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--attempts", type=int, default=100)
    options, overrides = parser.parse_known_args()
    kept = [o for o in overrides if not o.startswith("gates")]
    plans = {
        "with": generation_plan(compose("generate", overrides)),
        "without": generation_plan(compose("generate", [*kept, "gates=off"])),
    }
    reasons: dict[str, Counter[str]] = {name: Counter() for name in plans}
    seconds = dict.fromkeys(plans, 0.0)
    attempted(plans["with"], 0, 0)  # the first loads the robot
    for slot in range(options.attempts):
        for name in list(plans) if slot % 2 else reversed(plans):
            start = time.process_time()
            found = attempted(plans[name], slot, 0)
            seconds[name] += time.process_time() - start
            reasons[name][found if isinstance(found, str) else "accepted"] += 1
    print(json.dumps({"reasons": reasons, "cpu_seconds": seconds}, indent=2))


if __name__ == "__main__":
    main()
