"""The privileged policy: it is told where the target and the goal are. An upper bound."""

from __future__ import annotations

import torch
from torch import Tensor

from robokiln.policy.head import ChunkHead
from robokiln.policy.models.tool import AWAY, HELD, Away, held, told
from robokiln.policy.roles import TOLD
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec


class StateModel(ChunkModel):
    """Proprioception and the true poses of the target and the goal -> chunk."""

    uses_images = False

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        self.away = Away(spec)
        self.head = ChunkHead(spec, HELD + TOLD * (AWAY + 6), TOLD, width=spec.width)

    def _features(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        away = self.away(inputs, inputs.roles[..., :3])
        axes = inputs.roles[..., 3:].reshape(-1, TOLD, 2, 3) @ inputs.turn[:, None]
        return torch.cat([held(inputs), told(away).flatten(1), axes.flatten(1)], -1), away

    def losses(self, inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        return self.head.losses(*self._features(inputs), labels)

    def forward(self, inputs: Inputs) -> Tensor:
        out: Tensor = self.head(*self._features(inputs))
        return out
