"""The same pictures give the same file, whatever the memory held before and wherever they lie."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from robokiln.dataset import encode_video
from robokiln.dataset.video import decode
from robokiln.types import Array


def moving(size: int, steps: int = 40) -> Array:
    """uint8 [T, size, size, 3]: a gradient with grain that moves, as rich as a rendered scene."""
    rng = np.random.default_rng(0)
    ground = rng.random((size, size, 3)) * 40 + np.linspace(0, 150, size)[:, None, None]
    images = [np.roll(ground, t, 0) + rng.random((size, size, 3)) * 10 for t in range(steps)]
    return np.stack(images).astype(np.uint8)


@pytest.mark.parametrize("size", [32, 48, 112])
def test_encoding_and_decoding_repeat_bit_for_bit(size: int, tmp_path: Path) -> None:
    frames, files, pictures = moving(size), set[str](), set[str]()
    junk = np.random.default_rng(1)
    for i in range(40):
        held = [junk.bytes(int(junk.integers(1_000, 300_000))) for _ in range(50)]
        del held[::2]  # holes full of other bytes, which the encoder is given next
        shifted = np.empty(frames.nbytes + 64, np.uint8)[i % 64 :][: frames.nbytes]
        shifted = shifted.reshape(frames.shape)
        shifted[...] = frames
        path = tmp_path / "a.mp4"
        encode_video(path, shifted, 20)
        files.add(hashlib.sha256(path.read_bytes()).hexdigest())
        decoded = b"".join(image.tobytes() for _, image in decode(path, 20))
        pictures.add(hashlib.sha256(decoded).hexdigest())
    assert len(files) == 1
    assert len(pictures) == 1
