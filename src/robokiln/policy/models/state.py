"""The privileged policy: it is told where the target and the goal are. An upper bound."""

from __future__ import annotations

import torch
from torch import Tensor

from robokiln.policy.head import ChunkHead
from robokiln.policy.roles import TOLD
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec


class StateModel(ChunkModel):
    """Proprioception and the true poses of the target and the goal -> chunk."""

    uses_images = False

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.head = ChunkHead(spec, 10 + TOLD * (9 + 3), width=spec.width)

    def _features(self, inputs: Inputs) -> Tensor:
        away = inputs.roles[..., :3] - inputs.position[:, None]
        return torch.cat([inputs.proprioception, inputs.roles.flatten(1), away.flatten(1)], -1)

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        return self.head.losses(self._features(inputs), labels)

    def forward(self, inputs: Inputs) -> Tensor:
        out: Tensor = self.head(self._features(inputs))
        return out
