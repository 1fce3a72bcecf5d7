"""What a policy knows as its tool sees it: the same wherever on the table that happens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robokiln.policy.spec import Inputs, PolicySpec

FAR, NEAR = 0.2, 0.03
"""Metres: a place is told in units of the first, and finely while nearer than the second."""
AWAY = 6
HELD = 9


class Away(nn.Module):
    """Normalised positions in the base frame [B, R, 3] -> as the tool sees them [B, R, 3] (m)."""

    metres: Tensor

    def __init__(self, spec: PolicySpec) -> None:
        super().__init__()
        scale = torch.tensor(spec.position.scale, dtype=torch.float32)
        self.register_buffer("metres", scale, persistent=False)

    def forward(self, inputs: Inputs, places: Tensor) -> Tensor:
        away = (places - inputs.position[:, None]) * self.metres
        return away @ inputs.turn


def told(seen: Tensor) -> Tensor:
    """Points as the tool sees them [..., 3] (m), for a network to read: [..., AWAY]."""
    return torch.cat([seen / FAR, (seen / NEAR).tanh()], -1)


def held(inputs: Inputs) -> Tensor:
    """Proprioception but for where on the table the tool is, and whether it is told: [B, HELD]."""
    shown = inputs.shown[:, None]
    return torch.cat([inputs.proprioception[:, 2:] * shown, shown], -1)
