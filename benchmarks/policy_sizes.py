"""Weights of each size of policy, and what a chunk costs on one core: a table of docs/policies.md.

    python benchmarks/policy_sizes.py

Two cameras of 96 x 96 and 40 known words (a word more is 64 weights more). Time is CPU time of one
thread for one picture of each camera, the median of 15.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import yaml

from robokiln.dataset import RecordedCamera
from robokiln.deploy import TrainedOn
from robokiln.policy import TrainConfig
from robokiln.policy.models import build_model
from robokiln.policy.policy import TrainedPolicy
from robokiln.policy.spec import ChunkModel, PolicySpec
from robokiln.policy.transforms import Normalize
from robokiln.policy.words import Vocabulary
from robokiln.serial import from_json

CONFIGS = Path(__file__).parents[1] / "configs" / "policy"
POSE = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def spec_of(config: TrainConfig) -> PolicySpec:
    def unit(n: int) -> Normalize:
        return Normalize((0.0,) * n, (1.0,) * n)

    return PolicySpec(
        config.model,
        config.chunk,
        config.execute,
        config.width,
        config.two_step,
        config.crop_margin,
        True,
        tuple(
            RecordedCamera(name, 96, 96, 60.0, frame, POSE)
            for name, frame in (("front", "base"), ("wrist", "tool"))
        ),
        Vocabulary(tuple(f"word{i}" for i in range(40))),
        unit(10),
        unit(3),
        unit(9 * config.chunk),
        TrainedOn(20),
    )


def milliseconds(spec: PolicySpec, model: ChunkModel) -> float:
    policy, taken = TrainedPolicy(spec, model, torch.device("cpu")), []
    images = {c.name: np.zeros((1, 96, 96, 3), np.uint8) for c in spec.cameras}
    state = np.array([[0.4, 0, 0.3, 1, 0, 0, 0, 1, 0, 1.0]])
    for _ in range(15):
        start = time.process_time()
        policy.predict(images, state, ["word1 word2"], np.tile(POSE, (1, 2)))
        taken.append((time.process_time() - start) * 1e3)
    return float(np.median(taken))


def main() -> None:
    torch.set_num_threads(1)
    print("| policy | width | weights | with minilm | ms a chunk | two-step ms |")
    print("|---|---|---|---|---|---|")
    for name in ("xs", "small", "medium", "state"):
        config = from_json(TrainConfig, yaml.safe_load((CONFIGS / f"{name}.yaml").read_text()))
        spec = spec_of(config)
        cells = [name, str(config.width)]
        for language in ("words", "minilm"):
            model = build_model(replace(spec, language=language))
            cells.append(f"{sum(p.numel() for p in model.parameters()):,}")
        for two_step in (False, True):
            refined = replace(spec, two_step=two_step)
            cells.append(f"{milliseconds(refined, build_model(refined)):.1f}")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
