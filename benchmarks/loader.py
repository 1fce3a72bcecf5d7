"""What share of a training step its data takes: CPU time on one core, policy `image`.

python benchmarks/loader.py out/mine/dataset
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from robokiln.policy import TrainConfig
from robokiln.policy.demonstrations import read_demonstrations
from robokiln.policy.fit import fit_spec
from robokiln.policy.loader import CPU, Loader
from robokiln.policy.training import fresh_state, step

CONFIG = TrainConfig(model="image", steps=3000, width=64)
BATCHES, STEPS = 30, 5


def main(root: Path) -> None:
    """Medians, after a batch and a step that are not counted."""
    torch.set_num_threads(1)
    data = read_demonstrations([root])
    spec = fit_spec(data, CONFIG)
    loader = Loader(data, spec, CONFIG)
    state = fresh_state(spec, CONFIG, CPU)
    batch = seconds(lambda n: loader.batch(n), BATCHES)
    whole = seconds(lambda n: step(state, loader, CONFIG, CPU, state.model.losses), STEPS)
    sizes = ", ".join(f"{c.name} {c.width} x {c.height}" for c in spec.cameras)
    print(
        f"{sizes}: batch of {CONFIG.batch_size} {1e3 * batch:.2f} ms, step {1e3 * whole:.0f} ms, "
        f"share {batch / whole:.2%}; {CONFIG.batch_size / batch:,.0f} samples/s from the loader, "
        f"{CONFIG.batch_size / whole:.0f} in training"
    )


def seconds(work: Callable[[int], object], times: int) -> float:
    """Median CPU seconds."""
    spent = []
    for n in range(times + 1):
        began = time.process_time()
        work(n)
        spent.append(time.process_time() - began)
    return median(spent[1:])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
