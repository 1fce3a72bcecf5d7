"""The pictures of one camera: from the cache, or else decoded as they are read."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from robokiln.dataset.cache import NoRoom, stored_frames
from robokiln.dataset.decoding import Decoded, decode_all
from robokiln.dataset.info import DatasetInfo, EpisodeIndex
from robokiln.dataset.unstored import UnstoredFrames
from robokiln.types import Array

_log = logging.getLogger(__name__)


class Pictures(Protocol):
    """uint8 [N, H, W, 3], by a row, a slice or several; never to be written to."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Array: ...


def open_pictures(
    info: DatasetInfo, episodes: EpisodeIndex, feature: str, progress: Decoded | None = None
) -> Pictures:
    """A memory map of the user's cache, decoded into it by whoever comes first.

    Pictures that the cache has no room for are decoded as they are read; a warning says so.
    """

    def fill(descriptor: int) -> None:
        decode_all(info, episodes, feature, descriptor, progress)

    shape = next(f.shape for f in info.features if f.name == feature)
    try:
        return stored_frames(info, feature, (info.frames, *shape), fill)
    except NoRoom as reason:
        _log.warning("'%s' is decoded as it is read, which is slower: %s", feature, reason)
        return UnstoredFrames(info, episodes, feature)
