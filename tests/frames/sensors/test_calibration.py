"""Calibration files: OpenCV's and ROS's forms, pixel centres, sizes, refusals."""

from pathlib import Path

import numpy as np
import pytest

from robokiln.cli.compose import compose
from robokiln.cli.settings import cameras_and_sensors
from robokiln.frames import read_calibration
from robokiln.geometry import intrinsics, project
from robokiln.types import RobokilnError

OPENCV = """%YAML:1.0
---
calibration_time: "Tue 01 Sep 2026"
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 600., 0., 319.5, 0., 606., 239.5, 0., 0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ -2.5e-01, 7.0e-02, 1.0e-03, -2.0e-03, 1.0e-02 ]
avg_reprojection_error: 2.1e-01
"""
ROS = """image_width: 640
image_height: 480
camera_name: wrist
camera_matrix:
  rows: 3
  cols: 3
  data: [600, 0, 319.5, 0, 606, 239.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.25, 0.07, 0.001, -0.002, 0.01]
projection_matrix:
  rows: 3
  cols: 4
  data: [590, 0, 318, 0, 0, 601, 238, 0, 0, 0, 1, 0]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calibration.yaml"


@pytest.mark.parametrize("text", [OPENCV, ROS])
def test_both_forms_are_read(file: Path, text: str) -> None:
    file.write_text(text)
    found = read_calibration(file)
    assert (found.width, found.height) == (640, 480)
    assert found.intrinsics == (600.0, 606.0, 320.0, 240.0), "centres are half a pixel further"
    assert found.distortion == (-0.25, 0.07, 0.001, -0.002, 0.01)
    assert found.fov == pytest.approx(2 * np.degrees(np.arctan(240 / 606)), abs=1e-5)


def test_a_configured_camera_takes_it_over(file: Path) -> None:
    """Size, matrix and lens, scaled by `image_size`; a sensor brings its noise, not its view."""
    file.write_text(OPENCV)
    composed = compose("generate", ["sensor=d435"])
    entry = {k: v for k, v in composed["cameras"]["cameras"][1].items() if k not in SIZE}
    rig = [composed["cameras"]["cameras"][0], {**entry, "calibration": str(file)}]
    changed = {**composed, "cameras": {"cameras": rig}}
    views, sensors = cameras_and_sensors(changed)
    front, wrist = views
    assert (wrist.width, wrist.height, front.fov) == (640, 480, 42.9)
    assert wrist.calibration == (600.0, 606.0, 320.0, 240.0)
    assert sensors["wrist"].lens is not None
    assert sensors["wrist"].lens.coefficients == (-0.25, 0.07, 0.001, -0.002, 0.01)
    assert sensors["wrist"].shot == sensors["front"].shot
    assert sensors["front"].lens is None
    small = cameras_and_sensors({**changed, "image_size": 96})[0][1]
    assert np.allclose(intrinsics(small)[[0, 1], [0, 1]], [120.0, 121.2])
    assert np.allclose(intrinsics(small)[:2, 2], 48.0)
    point = np.array([0.05, -0.02, 0.3])
    pose, lens = np.array(wrist.pose), sensors["wrist"].lens.coefficients
    full, scaled = (project(c, pose, point, lens)[:2] for c in (wrist, small))
    assert np.allclose(scaled - 48, (full - [320, 240]) * 0.2)


SIZE = ("width", "height", "fov")
MISTAKES = [
    ("camera_matrix", "camera_matriks", "'camera_matrix' is missing; available: avg_"),
    ("image_width: 640", "image_width: wide", "image_width: expected a whole number"),
    ("600., 0., 319.5", "600., 2., 319.5", "camera_matrix: expected \\[fx, 0, cx"),
    ("600., 0., 319.5", "-600., 0., 319.5", "expected focal lengths above 0"),
    ("600., 0., 319.5", "x, 0., 319.5", "camera_matrix: expected a matrix of numbers"),
    ("600., 0., 319.5", ".nan, 0., 319.5", "camera_matrix: expected a matrix of numbers"),
    ("1.0e-02 ]", "1.0e-02, 0.3, 0.1, 0.2 ]", "expected k1, k2, p1, p2 and k3 alone"),
    ("image_width: 640", "distortion_model: equidistant\nimage_width: 640", "available: plumb_bob"),
    ("image_width: 640", "image_width: !!python/name:os.system", "not readable as YAML"),
    ("image_width: 640", "image_width: [640", "not readable as YAML"),
]


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES)
def test_mistakes_are_named(file: Path, old: str, new: str, expected: str) -> None:
    assert old in OPENCV
    file.write_text(OPENCV.replace(old, new, 1))
    with pytest.raises(RobokilnError, match=f"calibration.yaml: .*{expected}"):
        read_calibration(file)


def test_files_that_are_none(file: Path, tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match=r"calibration.yaml: No such file"):
        read_calibration(file)
    file.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(RobokilnError, match="expected a YAML text"):
        read_calibration(file)
    bombs = "a: &a [x, x, x, x, x, x, x, x]\n"
    for name, before in zip("bcdefgh", "abcdefg", strict=True):
        bombs += f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n"
    file.write_text(bombs + "image_width: *h\nimage_height: 480\n")
    with pytest.raises(RobokilnError, match="image_width: expected a whole number") as refused:
        read_calibration(file)
    assert len(str(refused.value)) < 1000


def test_size_beside_a_calibration_is_refused(file: Path) -> None:
    file.write_text(OPENCV)
    composed = compose("generate", [])
    rig = [{**composed["cameras"]["cameras"][0], "calibration": str(file)}]
    with pytest.raises(RobokilnError, match="camera 'front': 'width' is what its calibration says"):
        cameras_and_sensors({**composed, "cameras": {"cameras": rig}})
