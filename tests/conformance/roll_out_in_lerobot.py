"""Run by the stock lerobot's own Python: its rollout of an untrained ACT in our environment.

usage: roll_out_in_lerobot.py OUTPUT.safetensors
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import draccus
import torch
from lerobot.configs.types import FeatureType
from lerobot.envs.configs import EnvConfig
from lerobot.envs.factory import make_env, make_env_pre_post_processors
from lerobot.envs.utils import env_to_policy_features
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.factory import make_pre_post_processors
from lerobot.scripts.lerobot_eval import rollout
from safetensors.torch import save_file

ENVIRONMENT = {"type": "robokiln", "task": "lift", "image_size": 64, "episode_length": 12}
SMALL = {"dim_model": 32, "n_heads": 2, "dim_feedforward": 64, "n_encoder_layers": 1}


@dataclass
class Evaluation:
    """The part of lerobot-eval's configuration that says which environment it is."""

    env: EnvConfig


class Listening(ACTPolicy):
    """An ACT that keeps the words it is told."""

    def select_action(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        self.told = batch["task"]
        return super().select_action(batch)


def main(output: Path) -> None:
    """Two environments at once, as `lerobot-eval --eval.batch_size=2 --seed=5` has them."""
    importlib.import_module("lerobot_env_robokiln")
    arguments = [f"--env.{name}={value}" for name, value in ENVIRONMENT.items()]
    config = draccus.parse(Evaluation, args=arguments).env
    envs = make_env(config, n_envs=2)["robokiln"][0]
    torch.manual_seed(0)
    features = env_to_policy_features(config)
    act = ACTConfig(
        input_features={k: f for k, f in features.items() if f.type is not FeatureType.ACTION},
        output_features={k: f for k, f in features.items() if f.type is FeatureType.ACTION},
        pretrained_backbone_weights=None, device="cpu", use_vae=False,
        chunk_size=4, n_action_steps=4, **SMALL,
    )  # fmt: skip
    policy = Listening(act)
    around = make_env_pre_post_processors(config, act)
    found = rollout(
        envs, policy, *around, *make_pre_post_processors(act), [5, 6], return_observations=True
    )
    facts = {
        "told": policy.told,
        "features": {k: list(f.shape) for k, f in features.items()},
        "fps": envs.unwrapped.metadata["render_fps"],
        "picture": list(envs.envs[0].render().shape),
        "parameters": sum(p.numel() for p in policy.model.backbone.parameters()),
    }
    tensors = {k: v for k, v in found.items() if k != "observation"} | found["observation"]
    flat = {name: value.contiguous() for name, value in tensors.items()}
    save_file(flat, output, metadata={"facts": json.dumps(facts)})
    envs.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
