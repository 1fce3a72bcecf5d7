"""Noise of pixels against its parameters: variances, independence, colours, compression."""

import numpy as np
import pytest

from robokiln.frames.sensors import (
    Exposure,
    Jpeg,
    MotionBlur,
    ReadNoise,
    ShotNoise,
    WhiteBalance,
)
from robokiln.frames.sensors.light import decode, encode
from robokiln.geometry import quat_from_yaw, quat_to_matrix
from robokiln.types import RobokilnError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def flat(level: float) -> np.ndarray:
    return np.full((256, 256, 3), level, np.float32)


def test_every_byte_survives_linear_light() -> None:
    bytes_ = np.arange(256, dtype=np.uint8)
    assert np.array_equal(encode(decode(bytes_)), bytes_)
    assert decode(bytes_)[188] == pytest.approx(0.5029, abs=1e-4)  # sRGB's middle is not linear's
    assert encode(np.array([-0.1, 1.7], np.float32)).tolist() == [0, 255]


@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_shot_noise_has_the_variance_of_its_electrons(gain: float) -> None:
    """Electrons N = signal x full well / gain; their variance is N."""
    noise, full_well = ShotNoise(4500.0, gain), 4500.0
    for level in (0.05, 0.2, 0.8):
        electrons = noise(flat(level), rng()) * full_well / gain
        assert electrons.mean() == pytest.approx(level * full_well / gain, rel=0.005)
        assert electrons.var() == pytest.approx(level * full_well / gain, rel=0.02)
    assert np.array_equal(noise(flat(0.0), rng()), flat(0.0))


def test_read_noise_is_the_same_at_any_signal() -> None:
    noise = ReadNoise(3.0, 4500.0, 2.0)
    for level in (0.0, 0.5):
        electrons = (noise(flat(level), rng()) - level) * 4500 / 2
        assert electrons.std() == pytest.approx(3.0, rel=0.01)
        assert abs(electrons.mean()) < 0.03


def test_exposure_is_drawn_once_in_stops() -> None:
    assert Exposure(stops=1.0).gain(rng())[0] == 2.0
    assert Exposure(stops=-2.0).gain(rng())[0] == 0.25
    stops = [np.log2(Exposure(0.5, 0.3).gain(rng(i))[0]) for i in range(800)]
    assert np.mean(stops) == pytest.approx(0.5, abs=0.03)
    assert np.std(stops) == pytest.approx(0.3, rel=0.08)


def test_white_balance_shifts_red_and_blue_against_green() -> None:
    gains = np.log2([WhiteBalance(0.1).gain(rng(i)) for i in range(800)])
    assert (gains[:, 1] == 0).all()
    assert np.allclose(gains[:, [0, 2]].std(axis=0), 0.1, rtol=0.1)
    assert abs(np.corrcoef(gains[:, 0], gains[:, 2])[0, 1]) < 0.1


def test_jpeg_loses_more_at_lower_quality() -> None:
    y, x = np.mgrid[0:64, 0:64]
    rgb = np.stack([x * 4, y * 4, (x + y) * 2], -1).astype(np.uint8)
    rgb[20:40, 20:40] = (250, 20, 10)
    errors = [np.abs(Jpeg(q)(rgb).astype(int) - rgb).mean() for q in (95, 60, 10)]
    assert 0 < errors[0] < errors[1] < errors[2] < 30
    assert np.array_equal(Jpeg(60)(rgb), Jpeg(60)(rgb))
    with pytest.raises(RobokilnError, match="quality of 1 to 95, got 0"):
        Jpeg(0)


def test_blur_follows_the_motion_of_its_exposure() -> None:
    """A link that moves 1 m and turns 40 degrees in a step, the shutter open for the last half."""
    last = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    now = np.concatenate([[[1.0, 0.0, 0.0]], quat_from_yaw(np.radians(40.0))[None]], axis=1)
    poses = MotionBlur(0.5, samples=6).poses(last, now)
    assert np.allclose(poses[:, 0, 0], np.linspace(0.5, 1.0, 6))
    assert np.array_equal(poses[-1], now.astype(np.float32))
    axes = quat_to_matrix(poses[:, 0, 3:])[:, :, 0]
    angles = np.degrees(np.arctan2(axes[:, 1], axes[:, 0]))
    assert np.allclose(angles, np.linspace(20.0, 40.0, 6), atol=0.5)
    flipped = np.concatenate([now[:, :3], -now[:, 3:]], axis=1)
    again = MotionBlur(0.5, samples=6).poses(last, flipped)
    assert np.allclose(quat_to_matrix(again[:, 0, 3:]), quat_to_matrix(poses[:, 0, 3:]), atol=1e-6)
    with pytest.raises(RobokilnError, match="expected an exposure in"):
        MotionBlur(0.0)
