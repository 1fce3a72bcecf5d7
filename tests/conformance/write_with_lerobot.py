"""Run by the stock reader's own Python: a dataset that lerobot itself writes.

usage: write_with_lerobot.py DATASET
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

FEATURES = {
    "observation.state": {"dtype": "float32", "shape": (6,), "names": {"motors": list("abcdef")}},
    "action": {"dtype": "float32", "shape": (6,), "names": None},
    "observation.images.top": {
        "dtype": "video",
        "shape": (64, 96, 3),
        "names": ["height", "width", "channels"],
    },
}


def main(root: Path) -> None:
    """Three episodes of 20, 30 and 25 frames; the picture's brightness counts the frames."""
    dataset = LeRobotDataset.create("local/foreign", 30, FEATURES, root=root, use_videos=True)
    for episode, length in enumerate((20, 30, 25)):
        for t in range(length):
            frame = {
                "observation.state": np.full(6, t, np.float32),
                "action": np.full(6, 100 * episode + t, np.float32),
                "observation.images.top": np.full((64, 96, 3), 50 * episode + 2 * t, np.uint8),
            }
            dataset.add_frame(frame | {"task": f"task {episode % 2}"})
        dataset.save_episode()
    dataset.finalize()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
