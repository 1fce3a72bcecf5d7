"""The lens against its formula: inverse, known points, straight lines, refusals."""

import dataclasses

import numpy as np
import pytest
from arranged import FRONT, gray_look, link_poses, lone_body, table_scene

from robokiln.frames import Capture, SensorConfig
from robokiln.frames.sensors import Lens, LensMap
from robokiln.geometry import distort, intrinsics, look_at, project, resized
from robokiln.seeds import Domain, sensor_draws
from robokiln.types import Body, Camera, Frames, RobokilnError, SceneSpec, Shape

WEBCAM = Lens(k1=0.1208, k2=-0.261599, k3=0.10308)
BARREL = Lens(k1=-0.28, k2=0.07, p1=0.002, p2=-0.003)
DRAWS = sensor_draws(Domain.TRAINING, 0, 0, 0)


def camera(size: int = 200) -> Camera:
    """Square pixels, the principal point off the middle."""
    calibration = (1.1 * size, 1.1 * size, 0.52 * size, 0.47 * size)
    pose = look_at((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    return Camera("front", size, size, 48.0, pose, calibration=calibration)


def picture(spec: SceneSpec, lens: Lens) -> Frames:
    sensors = {"front": SensorConfig(lens=lens)}
    capture = Capture(spec, gray_look(spec), sensors, DRAWS, cameras=spec.cameras[:1])
    return capture.frames(link_poses(spec))["front"]


@pytest.mark.parametrize("lens", [WEBCAM, BARREL])
def test_undistorting_is_the_inverse(lens: Lens) -> None:
    points = np.random.default_rng(0).uniform(-0.45, 0.45, (500, 2))
    assert np.allclose(lens.undistort(distort(points, lens.coefficients)), points, atol=1e-12)


def test_the_formula_is_opencv_s() -> None:
    """Worked by hand for x = 0.5, y = -0.25: r² = 0.3125."""
    k1, k2, p1, p2, k3 = 0.1, -0.2, 0.01, -0.02, 0.3
    radial = 1 + 0.1 * 0.3125 - 0.2 * 0.3125**2 + 0.3 * 0.3125**3
    x = 0.5 * radial + 2 * 0.01 * 0.5 * -0.25 - 0.02 * (0.3125 + 2 * 0.25)
    y = -0.25 * radial + 0.01 * (0.3125 + 2 * 0.0625) + 2 * -0.02 * 0.5 * -0.25
    found = distort(np.array([0.5, -0.25]), (k1, k2, p1, p2, k3))
    assert np.allclose(found, [x, y], atol=1e-15)


@pytest.mark.parametrize("lens", [WEBCAM, BARREL])
def test_small_balls_lie_where_the_projection_says(lens: Lens) -> None:
    """Balls all over the picture, by the recorded matrix and coefficients, to half a pixel."""
    view = camera()
    for x, y in ((0.0, 0.0), (0.35, 0.3), (-0.3, 0.36), (0.33, -0.38), (-0.32, -0.35)):
        ball = Body("ball", Shape("sphere", {"radius": 0.02}), (x, y, 0.0, 0, 0, 0, 1), 0.0, 1.0)
        found = picture(lone_body(ball, view), lens)
        rows, columns = np.nonzero(found.segmentation[0] == 2)
        centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        u, v, _ = project(view, np.array(view.pose), np.array([x, y, 0.0]), lens.coefficients)
        plain = project(view, np.array(view.pose), np.array([x, y, 0.0]))[:2]
        # A ball's middle is not its picture's: seen from aside it stretches outwards a little.
        assert np.hypot(*(centre - [u, v])) < 0.5
        if abs(x) > 0.1:
            assert np.hypot(*(centre - plain)) > 0.8
        middle = found.depth[0][rows, columns].min()
        assert middle == pytest.approx(0.98, abs=0.006)


def test_a_straight_edge_bends_as_the_formula_says() -> None:
    """The edge of a box, traced in segmentation and depth alike."""
    view = camera(240)
    slab = Body(
        "slab",
        Shape("box", {"x": 0.02, "y": 2.0, "z": 0.02}),
        (0.37, 0, -0.01, 0, 0, 0, 1),
        0.0,
        1.0,
    )
    found = picture(lone_body(slab, view), BARREL)
    # The inner side is seen too, so the picture's edge is that side's lower one.
    edge = np.stack([np.full(200, 0.36), np.linspace(-0.36, 0.36, 200), np.full(200, -0.02)], -1)
    line = project(view, np.array(view.pose), edge, BARREL.coefficients)
    assert np.ptp(line[:, 1]) > 3, "the edge is bent by pixels"
    columns = np.floor(line[:, 0]).astype(int)
    inside = np.abs(line[:, 0] - columns - 0.5) < 0.25
    for u, v in zip(columns[inside], line[inside, 1], strict=True):
        seen = np.flatnonzero(found.segmentation[0][:, u] == 2)
        below = seen.max() + 1
        assert abs(below - v) < 0.75
        assert (found.depth[0][seen, u] > 0).all()


def test_color_is_looked_up_between_pixels() -> None:
    """A lens that only magnifies shifts an even ramp by fractions of a pixel, smoothly."""
    view = dataclasses.replace(camera(16), calibration=(16.0, 16.0, 8.0, 8.0))
    made = LensMap(view, Lens(k1=1e-4))
    ramp = np.arange(made.wide.width, dtype=np.float32)
    light = np.broadcast_to(ramp[None, :, None], (made.wide.height, made.wide.width, 3))
    found = made.bilinear(np.ascontiguousarray(light))
    x = (np.arange(16) + 0.5 - 8) / 16
    points = np.stack(np.broadcast_arrays(x[None, :], x[:, None]), axis=-1)
    ideal = Lens(k1=1e-4).undistort(points)[..., 0] * 16 + made.wide.calibration[2] - 0.5
    assert np.allclose(found[..., 0], ideal, atol=1e-4)


def test_no_distortion_is_no_change() -> None:
    spec = table_scene(3, (FRONT,))
    plain, zero = picture(spec, Lens()), Capture(spec, gray_look(spec), {}, DRAWS)
    clean = zero.frames(link_poses(spec))["front"]
    for name in ("rgb", "depth", "segmentation"):
        assert np.array_equal(getattr(plain, name), getattr(clean, name))


def test_unequal_focal_lengths_are_honoured() -> None:
    """A lens map draws square pixels and stretches them itself."""
    view = dataclasses.replace(camera(), calibration=(150.0, 210.0, 95.0, 104.0))
    ball = Body("ball", Shape("sphere", {"radius": 0.02}), (0.3, 0.4, 0, 0, 0, 0, 1), 0.0, 1.0)
    found = picture(lone_body(ball, view), BARREL)
    rows, columns = np.nonzero(found.segmentation[0] == 2)
    u, v, _ = project(view, np.array(view.pose), np.array([0.3, 0.4, 0.0]), BARREL.coefficients)
    assert abs(columns.mean() + 0.5 - u) < 0.5
    assert abs(rows.mean() + 0.5 - v) < 0.5


def test_a_lens_that_folds_the_picture_is_refused() -> None:
    with pytest.raises(RobokilnError, match=r"camera 'front': the lens \(-3.0, .* folds"):
        LensMap(camera(), Lens(k1=-3.0))
    flat = dataclasses.replace(camera(), calibration=(40.0, 400.0, 100.0, 100.0))
    with pytest.raises(RobokilnError, match="expected at most 3 times"):
        LensMap(flat, Lens(k1=1e-4))


def test_resizing_keeps_the_view_from_top_to_bottom() -> None:
    view = Camera("front", 640, 480, 40.0, camera().pose, calibration=(600.0, 610.0, 330.0, 250.0))
    small = resized(view, 120, 120)
    k, s = intrinsics(small), 0.25
    assert np.allclose([k[0, 0], k[1, 1], k[0, 2], k[1, 2]], [150, 152.5, 60 + 10 * s, 62.5])
    point = np.array([0.1, 0.2, 0.3])
    before, after = (project(c, np.array(c.pose), point) for c in (view, small))
    assert np.allclose(after[:2] - 60, (before[:2] - [320, 240]) * s)
