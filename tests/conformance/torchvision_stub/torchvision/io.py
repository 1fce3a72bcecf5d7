"""torchvision.io.VideoReader over PyAV, after torchvision 0.20's own pyav backend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import torch


class VideoReader:
    """Frames in order, from the key frame before the last `seek`."""

    def __init__(self, path: str, stream: str = "video") -> None:
        assert stream == "video"
        self.container = av.open(path)
        self._frames = self.container.decode(video=0)

    def seek(self, seconds: float, keyframes_only: bool = False) -> VideoReader:
        """Go to the key frame at or before `seconds`."""
        self.container.seek(int(seconds * av.time_base), any_frame=not keyframes_only)
        self._frames = self.container.decode(video=0)
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for frame in self._frames:
            image = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
            yield {"data": image, "pts": float(frame.pts * frame.time_base)}
