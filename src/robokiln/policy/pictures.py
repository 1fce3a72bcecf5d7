"""Pictures for training: cropped from memory, or on the GPU, where all of them may stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from robokiln import dataset
from robokiln.policy.spec import crop_images
from robokiln.types import Array

ROOM = 0.6
"""Share of the GPU's free memory that resident pictures may take."""
BLOCK = 1024


class Joined:
    """uint8 pictures [N, H, W, 3] of several datasets, one after the other."""

    def __init__(self, parts: Sequence[dataset.Pictures]) -> None:
        self.parts = tuple(parts)
        self._first = np.cumsum([0, *(len(part) for part in parts)])

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self._first[-1]), *self.parts[0].shape[1:])

    def __getitem__(self, index: tuple[int, slice, slice]) -> Array:
        """`joined[row, y0:y1, x0:x1]`."""
        row, *rest = index
        part = int(np.searchsorted(self._first, row, "right")) - 1
        found: Array = self.parts[part][(row - self._first[part], *rest)]
        return found

    def blocks(self) -> Iterator[Array]:
        """All of them in order, some at a time."""
        for part in self.parts:
            for start in range(0, len(part), BLOCK):
                yield part[start : start + BLOCK]


class Pictures:
    """Crops of frames [N, H, W, 3] by camera; the frames are uint8 and stay so.

    On a GPU they are copied there once, where that leaves the model enough room; else each batch's
    crops are.
    """

    def __init__(self, frames: Mapping[str, Joined], device: torch.device) -> None:
        self._frames, self.resident = frames, dict[str, Tensor]()
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if sum(int(np.prod(f.shape)) for f in frames.values()) < ROOM * free:
                self.move(device)

    def move(self, device: torch.device) -> None:
        """Copy all of them to a device."""
        for name, frames in self._frames.items():
            held, at = torch.empty(frames.shape, dtype=torch.uint8, device=device), 0
            for block in frames.blocks():
                held[at : at + len(block)] = torch.from_numpy(block.copy())
                at += len(block)
            self.resident[name] = held

    def __call__(self, name: str, rows: Array, corners: Array, size: tuple[int, int]) -> Tensor:
        """uint8 [B, h, w, 3] of these rows [B], each cut to `size` at its corner x, y [B, 2]."""
        if name not in self.resident:
            return torch.from_numpy(crop_images(self._frames[name], rows, corners, size))
        frames = self.resident[name]
        row = torch.from_numpy(rows).to(frames.device)[:, None, None]
        corner = torch.from_numpy(corners).to(frames.device)
        y = corner[:, 1, None] + torch.arange(size[0], device=frames.device)
        x = corner[:, 0, None] + torch.arange(size[1], device=frames.device)
        return frames[row, y[:, :, None], x[:, None, :]]
