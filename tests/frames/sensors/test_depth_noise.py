"""Stereo depth against its formulas: growth with z², steps of disparity, fringes, holes."""

import numpy as np
import pytest

from robokiln.frames.sensors import DepthHoles, DisparityNoise, EdgeFringes
from robokiln.frames.sensors.depth import is_covered, is_grazing, near_edges
from robokiln.geometry import IDENTITY, intrinsics
from robokiln.types import Camera, RobokilnError

D435 = DisparityNoise(focal=427.3, baseline=0.05, subpixel=0.08, step=1 / 32)
CAMERA = Camera("front", 160, 120, 50.0, IDENTITY)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def wall(z: float) -> np.ndarray:
    return np.full((120, 160), z, np.float32)


def test_the_error_grows_with_the_square_of_depth() -> None:
    """sigma z = z² sqrt(subpixel² + step² / 12) / (f B), within 3 %, from 0.4 to 4 m."""
    pixel = np.hypot(D435.subpixel, D435.step / np.sqrt(12))
    for z in (0.4, 0.8, 2.0, 4.0):
        found = D435(wall(z), rng())
        assert found.std() == pytest.approx(z * z * pixel / (427.3 * 0.05), rel=0.03)
        assert found.mean() == pytest.approx(z, rel=0.002)


def test_depth_comes_in_steps_of_disparity() -> None:
    ramp = np.tile(np.linspace(0.5, 3.0, 160, dtype=np.float32), (120, 1))
    quiet = DisparityNoise(427.3, 0.05, 0.0, 0.125)
    found = quiet(ramp, rng())
    steps = 427.3 * 0.05 / found.astype(float) / 0.125
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert len(np.unique(found)) < 160
    assert np.abs(427.3 * 0.05 / found - 427.3 * 0.05 / ramp).max() <= 0.0625 + 1e-4


def test_nothing_stays_nothing() -> None:
    assert not D435(wall(0.0), rng()).any()
    assert not D435(wall(5000.0), rng()).all(), "a disparity of 0 is no measurement"


def test_fringes_live_at_edges_only() -> None:
    depth = wall(1.0)
    depth[:, 80:] = 2.0
    found = EdgeFringes(0.7)(depth, rng())
    wrong = found != depth
    assert 0.1 < wrong[:, 78:82].mean() < 0.6
    assert not wrong[:, :74].any()
    assert not wrong[:, 86:].any()
    assert set(np.unique(found)) == {1.0, 2.0}, "either side's depth, never a mean"


def test_holes_of_range_loss_and_edges() -> None:
    depth = np.tile(np.linspace(0.1, 3.0, 160, dtype=np.float32), (120, 1))
    holes = DepthHoles(nearest=0.3, farthest=2.0, loss=0.1)(depth, depth, CAMERA, rng())
    outside = (depth < 0.3) | (depth > 2.0)
    assert not holes[outside].any()
    assert (holes[~outside] == 0).mean() == pytest.approx(0.1, abs=0.01)
    kept = holes > 0
    assert np.array_equal(holes[kept], depth[kept])
    step = wall(1.0)
    step[:, 80:] = 1.5
    torn = DepthHoles(0.1, 9.0, edge_loss=0.5)(step, step, CAMERA, rng())
    assert near_edges(step).sum() == 240
    assert (torn[:, 79:81] == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert torn[:, :79].all()
    assert torn[:, 81:].all()


@pytest.mark.parametrize("tilt", [30.0, 60.0, 75.0])
def test_grazing_is_the_angle_between_ray_and_normal(tilt: float) -> None:
    """A plane through (0, 0, 1) tilted about the picture's x axis, ray by ray."""
    k = intrinsics(CAMERA)
    y, x = np.mgrid[0:120, 0:160] + 0.5
    rays = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], np.ones_like(x)], -1)
    normal = np.array([0.0, np.sin(np.radians(tilt)), -np.cos(np.radians(tilt))])
    facing = rays @ normal
    depth = np.where(facing < -0.05, normal[2] / facing, 0).astype(np.float32)
    cosine = -facing / np.linalg.norm(rays, axis=-1)
    for limit in (40.0, 65.0, 80.0):
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        clear = (depth > 0) & (np.abs(angle - limit) > 1.5)
        clear[[0, -1]] = False
        found = is_grazing(depth, CAMERA, limit)
        assert np.array_equal(found[clear], (angle > limit)[clear])


def test_the_second_camera_s_shadow_is_as_wide_as_the_disparities_differ() -> None:
    """A near plate before a wall: the hole lies to its left, f B (1 / near - 1 / far) wide."""
    depth = wall(2.0)
    depth[40:80, 90:130] = 0.5
    covered = is_covered(depth, CAMERA, 0.05)
    width = intrinsics(CAMERA)[0, 0] * 0.05 * (1 / 0.5 - 1 / 2.0)
    assert width > 8
    row = np.flatnonzero(covered[60])
    assert row.max() == 89
    assert abs(len(row) - width) <= 1
    assert not covered[:40].any()
    assert not covered[80:].any()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(RobokilnError, match="disparity: expected"):
        DisparityNoise(427.3, 0.0, 0.1, 0.03)
    with pytest.raises(RobokilnError, match="holes: expected 0 <= nearest < farthest"):
        DepthHoles(1.0, 0.5)
