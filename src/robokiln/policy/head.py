"""The head that turns features into a chunk, in one step or in two."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from robokiln.policy.spec import Labels, PolicySpec

SECOND_TIME = 0.9
"""t* of the second step (MIP, "Much Ado About Noising", arXiv 2512.01809)."""
KNEE = 0.05
"""Where smooth L1 turns linear, in normalised units: below the precision that a grasp needs."""


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


class ChunkHead(nn.Module):
    """Features [B, inputs], anchors [B, A, 3] -> normalised motion and gripper [B, chunk, 10].

    With `two_step`, the first answer (from nothing) is refined once: in training the second step
    sees the true chunk mixed with a tenth of noise instead of the first answer.

    Each position of a chunk is a weighted sum of `anchors`, points as the tool sees them (m), and
    of what is left: the weights say which of them the tool goes to, and where it ends there does
    not hang on how well a network can copy numbers. Rotations, likewise, are weighted sums of
    `turns` [B, turns, 6], what would line the tool up with a thing, and of what is left.
    """

    unit: Tensor

    def __init__(
        self,
        spec: PolicySpec,
        inputs: int,
        anchors: int,
        width: int = 384,
        blocks: int = 2,
        turns: int = 0,
    ) -> None:
        super().__init__()
        self.anchors = anchors
        self.chunk, self.two_step = spec.chunk, spec.two_step
        self.enter = nn.Linear(inputs, width)
        self.again = nn.Linear(10 * spec.chunk + 1, width)
        self.body = nn.Sequential(*(Residual(width) for _ in range(blocks)), nn.LayerNorm(width))
        each = 10 + 3 * anchors + turns
        self.leave = nn.Linear(width, each * spec.chunk)
        scale = torch.tensor(spec.chunk_scale.scale).view(spec.chunk, 9)
        self.register_buffer("unit", 1 / scale, persistent=False)
        for weights in (self.leave.weight, self.leave.bias):  # no pull before there is a reason
            weights.data.view(spec.chunk, each, -1)[:, 10:].zero_()

    def _step(
        self, features: Tensor, anchors: Tensor, turns: Tensor | None, guess: Tensor, time: float
    ) -> Tensor:
        clock = guess.new_full((len(guess), 1), time)
        x = self.enter(features) + self.again(torch.cat([guess, clock], -1))
        out = self.leave(self.body(x)).unflatten(-1, (self.chunk, -1))
        weights = out[..., 10 : 10 + 3 * self.anchors].unflatten(-1, (-1, 3))
        pull = (weights * anchors[:, None]).sum(-2) * self.unit[:, :3]
        rotation = out[..., 3:9]
        if turns is not None:
            rotation = rotation + out[..., 10 + 3 * self.anchors :] @ turns * self.unit[:, 3:]
        return torch.cat([out[..., :3] + pull, rotation, out[..., 9:10]], -1)

    def losses(
        self, features: Tensor, anchors: Tensor, labels: Labels, turns: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Smooth L1 on the motion, cross-entropy on the gripper, over the steps' answers."""
        truth = torch.cat([labels.motion, 2 * labels.gripper[..., None] - 1], -1).flatten(1)
        guesses = [(torch.zeros_like(truth), 0.0)]
        if self.two_step:
            mixed = SECOND_TIME * truth + (1 - SECOND_TIME) * labels.noise
            guesses.append((mixed, SECOND_TIME))
        answers = [self._step(features, anchors, turns, guess, time) for guess, time in guesses]
        weight = labels.acted / labels.acted.mean().clamp_min(1e-6)
        motion, gripper = [], []
        for answer in answers:
            off = F.smooth_l1_loss(answer[..., :9], labels.motion, beta=KNEE, reduction="none")
            motion.append((off.mean(-1) * weight).mean())
            doubt = F.binary_cross_entropy_with_logits(
                answer[..., 9], labels.gripper, reduction="none"
            )
            gripper.append((doubt * weight).mean())
        return {"motion": sum_of(motion), "gripper": 0.2 * sum_of(gripper)}

    def forward(self, features: Tensor, anchors: Tensor, turns: Tensor | None = None) -> Tensor:
        nothing = features.new_zeros(len(features), 10 * self.chunk)
        answer = self._opened(self._step(features, anchors, turns, nothing, 0.0))
        if self.two_step:
            guess = torch.cat([answer[..., :9], 2 * answer[..., 9:] - 1], -1).flatten(1)
            answer = self._opened(
                self._step(features, anchors, turns, SECOND_TIME * guess, SECOND_TIME)
            )
        return answer

    @staticmethod
    def _opened(answer: Tensor) -> Tensor:
        return torch.cat([answer[..., :9], answer[..., 9:].sigmoid()], -1)


def sum_of(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()
