"""From demonstrations and a configuration to what a policy is: vocabulary and normalisation."""

from __future__ import annotations

import numpy as np

from robokiln.policy.config import TrainConfig
from robokiln.policy.demonstrations import Demonstrations
from robokiln.policy.language import encoder_hash
from robokiln.policy.spec import PolicySpec
from robokiln.policy.transforms import ToRelative, fit_normalize
from robokiln.policy.words import Vocabulary
from robokiln.types import RobokilnError

LEAST_STATE = 0.05
"""Half range of proprioception and positions below which an entry counts as constant."""
LEAST_MOTION = 0.01


def fit_spec(data: Demonstrations, config: TrainConfig) -> PolicySpec:
    """The policy's description; normalisation by the 1-99 % quantiles of the demonstrations."""
    cameras = data.cameras[0]
    smallest = min((min(c.height, c.width) for c in cameras), default=None)
    if smallest is not None and smallest - config.crop_margin < 16:
        raise RobokilnError(
            f"policy.crop_margin {config.crop_margin}: expected at least 16 pixels to be left "
            f"of pictures of {smallest}"
        )
    rows = np.arange(len(data))
    proprioception = data.proprioception.astype(np.float64)
    actions = data.action[data.chunk_rows(rows, config.chunk)].astype(np.float64)
    motion = ToRelative()(actions, proprioception)[..., :9].reshape(len(rows), -1)
    pointed = data.places[data.named[data.episode]]
    places = np.concatenate([pointed, proprioception[:, :3]])
    return PolicySpec(
        config.model,
        config.chunk,
        config.execute,
        config.width,
        config.two_step,
        config.crop_margin,
        bool(np.isin(data.action[:, 9], (0, 1)).all()),
        cameras,
        Vocabulary.of(data.instructions if config.language == "words" else ()),
        fit_normalize(proprioception, LEAST_STATE),
        fit_normalize(places, LEAST_STATE),
        fit_normalize(motion, LEAST_MOTION),
        data.trained_on,
        tuple(dict.fromkeys(c for rig in data.cameras[1:] for c in rig if c not in cameras)),
        config.language,
        encoder_hash(config.language),
    )
