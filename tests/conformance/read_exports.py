"""Run by the readers' own Python: what lerobot 0.3 and robomimic read of exports, into one file.

usage: read_exports.py LEROBOT21 ROBOMIMIC OUTPUT.safetensors
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import robomimic.utils.obs_utils as obs_utils
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from robomimic.utils.dataset import SequenceDataset
from safetensors.torch import save_file

KEYS = ("front_image", "wrist_image", "state", "joint_position")


def main(lerobot: Path, robomimic: Path, output: Path) -> None:
    """Every frame of both, and what lerobot knows of the whole."""
    old = LeRobotDataset("local/old", root=lerobot, video_backend="pyav")
    items = [old[i] for i in range(len(old))]
    names = [n for n in items[0] if n != "task"]
    tensors = {f"lerobot/{n}": torch.stack([item[n] for item in items]) for n in names}
    rgb, low = KEYS[:2], KEYS[2:]
    obs_utils.initialize_obs_utils_with_obs_specs([{"obs": {"rgb": rgb, "low_dim": low}}])
    demos = SequenceDataset(
        str(robomimic / "demos.hdf5"),
        obs_keys=KEYS,
        dataset_keys=("actions", "rewards", "dones"),
        load_next_obs=False,
        filter_by_attribute="train",
    )
    rows = [demos[i] for i in range(len(demos))]
    for name in KEYS:
        values = np.concatenate([row["obs"][name] for row in rows])
        tensors[f"robomimic/{name}"] = torch.from_numpy(values)
    for name in ("actions", "rewards", "dones"):
        values = np.concatenate([row[name] for row in rows])
        tensors[f"robomimic/{name}"] = torch.from_numpy(values)
    facts = {
        "version": old.meta.info["codebase_version"],
        "episodes": old.num_episodes,
        "tasks": [item["task"] for item in items],
        "mean": old.meta.stats["action"]["mean"].tolist(),
        "demos": demos.demos,
    }
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, output, metadata={"facts": json.dumps(facts)})
    demos.close_and_delete_hdf5_handle()


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
