"""Run by the stock reader's own Python: everything lerobot reads from a dataset, into one file.

usage: read_with_lerobot.py DATASET OUTPUT.safetensors CHUNK
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from lerobot.configs.types import FeatureType
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.utils import dataset_to_policy_features
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from safetensors.torch import save_file


def main(root: Path, output: Path, chunk: int) -> None:
    """Read every frame, map the features as lerobot's training does, and write both down."""
    fps = json.loads((root / "meta" / "info.json").read_text())["fps"]
    dataset = LeRobotDataset(
        "local/robokiln",
        root=root,
        video_backend="pyav",
        delta_timestamps={"action": [n / fps for n in range(chunk)]},
    )
    items = [dataset[i] for i in range(len(dataset))]
    texts = {k: [item[k] for item in items] for k in ("task", "subtask")}
    tensors = {
        name: torch.stack([item[name] for item in items]).contiguous()
        for name in items[0]
        if name not in texts
    }
    facts = texts | {
        "stats": {k: {s: v.tolist() for s, v in d.items()} for k, d in dataset.meta.stats.items()},
        "policies": _policies(dataset),
        "episodes": dataset.num_episodes,
    }
    save_file(tensors, output, metadata={"facts": json.dumps(facts)})


def _policies(dataset: LeRobotDataset) -> dict[str, object]:
    """What ACT and Diffusion would take from these columns, as lerobot's make_policy does."""
    found = dataset_to_policy_features(dataset.meta.features)
    # To this lerobot depth is one more picture, and Diffusion wants all of one shape.
    features = {k: f for k, f in found.items() if not k.endswith("_depth")}
    outputs = {k: f for k, f in features.items() if f.type is FeatureType.ACTION}
    inputs = {k: f for k, f in features.items() if k not in outputs}
    taken: dict[str, object] = {"types": {k: f.type.value for k, f in features.items()}}
    for name, config_class in (("act", ACTConfig), ("diffusion", DiffusionConfig)):
        config = config_class(input_features=inputs, output_features=outputs, push_to_hub=False)
        config.validate_features()
        taken[name] = {
            "action": list(config.action_feature.shape),
            "state": list(config.robot_state_feature.shape),
            "images": {k: list(f.shape) for k, f in config.image_features.items()},
            "environment": config.env_state_feature is not None,
        }
    return taken


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
