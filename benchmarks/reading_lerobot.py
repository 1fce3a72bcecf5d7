"""Run by the stock reader's own Python: how fast LeRobotDataset answers at random.

usage: reading_lerobot.py DATASET BACKEND CHUNK SAMPLES ROUNDS OUTPUT.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def main(root: Path, backend: str, chunk: int, samples: int, rounds: int, output: Path) -> None:
    """CPU and wall seconds a sample of each round, after a round that is not counted."""
    torch.set_num_threads(1)
    fps = json.loads((root / "meta" / "info.json").read_text())["fps"]
    dataset = LeRobotDataset(
        "local/robokiln",
        root=root,
        video_backend=backend,
        delta_timestamps={"action": [n / fps for n in range(chunk)]},
    )
    rng = np.random.default_rng(0)
    cpu, wall = [], []
    for _ in range(rounds + 1):
        rows = rng.integers(0, len(dataset), samples)
        began = time.process_time(), time.perf_counter()
        for row in rows:
            item = dataset[int(row)]
        cpu.append((time.process_time() - began[0]) / samples)
        wall.append((time.perf_counter() - began[1]) / samples)
    shapes = {name: list(value.shape) for name, value in item.items() if hasattr(value, "shape")}
    output.write_text(json.dumps({"cpu": cpu[1:], "wall": wall[1:], "shapes": shapes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]), Path(sys.argv[6]))
