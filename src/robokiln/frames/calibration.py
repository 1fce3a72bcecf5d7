"""A user's camera calibration: OpenCV's FileStorage YAML, or the camera_info file of ROS.

Both keep `image_width`, `image_height`, a 3 x 3 `camera_matrix` and `distortion_coefficients`.
They are parsed with YAML's safe loader: plain values only, no objects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from reprlib import Repr
from typing import Any

import numpy as np
import yaml

from robokiln.types import Array, RobokilnError

MODELS = ("", "plumb_bob")
"""Distortion models that Brown-Conrady's five coefficients describe."""
MAX_BYTES = 1 << 20
MAX_SIDE = 16384
MOST = 1e12
"""Pixels of a side, and any number of a matrix: NaN and infinity are none of these."""
_SHORT = Repr()
_SHORT.maxlevel = 2


@dataclass(frozen=True)
class Calibration:
    """`intrinsics` are fx, fy, cx, cy in pixels whose top left one's centre is (0.5, 0.5).

    `distortion` holds k1, k2, p1, p2, k3.
    """

    width: int
    height: int
    intrinsics: tuple[float, float, float, float]
    distortion: tuple[float, float, float, float, float]

    @property
    def fov(self) -> float:
        """Vertical field of view (degrees) of an undistorted picture with the middle at cy."""
        half = self.height / 2 / self.intrinsics[1]
        return round(2 * math.degrees(math.atan(half)), 6)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML's safe loader, and OpenCV's matrices as the mappings that they are."""

    def flatten_mapping(self, node: yaml.Node) -> None:
        """Merge keys ("<<") can double a file's size with every line, so there are none."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.YAMLError("merge keys ('<<') are refused")


def _matrix_node(loader: _Loader, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", _matrix_node)


def read_calibration(path: Path) -> Calibration:
    """The calibration in a YAML file, or an error that names the file and the key."""
    raw = _load(path)
    width, height = (_count(path, raw, key) for key in ("image_width", "image_height"))
    model = raw.get("distortion_model", "")
    if model not in MODELS:
        raise RobokilnError(
            f"{path}: distortion_model '{model}' not supported; available: plumb_bob "
            "(k1, k2, p1, p2, k3)"
        )
    matrix = _numbers(path, raw, "camera_matrix")
    if len(matrix) != 9 or matrix[1] or not np.array_equal(matrix[[3, 6, 7, 8]], [0, 0, 0, 1]):
        raise RobokilnError(
            f"{path}: camera_matrix: expected [fx, 0, cx, 0, fy, cy, 0, 0, 1], got "
            f"{matrix.tolist()}"
        )
    fx, cx, fy, cy = (float(matrix[i]) for i in (0, 2, 4, 5))
    if min(fx, fy) <= 0:
        raise RobokilnError(
            f"{path}: camera_matrix: expected focal lengths above 0, got {fx}, {fy}"
        )
    # OpenCV's pixel centres are at whole numbers, ours half a pixel further.
    intrinsics = (fx, fy, cx + 0.5, cy + 0.5)
    return Calibration(width, height, intrinsics, _distortion(path, raw))


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RobokilnError(f"{path}: larger than a calibration can be")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RobokilnError(f"calibration: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RobokilnError(f"{path}: expected a YAML text") from None
    if text.startswith("%YAML:"):  # OpenCV's header is not quite YAML's own
        text = text.partition("\n")[2]
    try:
        raw = _Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RobokilnError(f"{path}: not readable as YAML: {reason}") from None
    if not isinstance(raw, dict):
        raise RobokilnError(
            f"{path}: expected a mapping with camera_matrix, got {_SHORT.repr(raw)}"
        )
    return raw


def _value(path: Path, raw: dict[str, Any], key: str) -> Any:
    if key not in raw:
        found = ", ".join(sorted(str(k) for k in raw)) or "nothing"
        raise RobokilnError(f"{path}: '{key}' is missing; available: {found}")
    return raw[key]


def _count(path: Path, raw: dict[str, Any], key: str) -> int:
    value = _value(path, raw, key)
    if type(value) is int and 0 < value <= MAX_SIDE:
        return value
    raise RobokilnError(f"{path}: {key}: expected a whole number, got {_SHORT.repr(value)}")


def _numbers(path: Path, raw: dict[str, Any], key: str) -> Array:
    """The numbers of a matrix: a mapping with `data`, or a plain list."""
    value = _value(path, raw, key)
    data = value.get("data") if isinstance(value, dict) else value
    plain = isinstance(data, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) <= MOST for v in data
    )
    if not plain:
        raise RobokilnError(
            f"{path}: {key}: expected a matrix of numbers, got {_SHORT.repr(value)}"
        )
    return np.array(data, float)


def _distortion(path: Path, raw: dict[str, Any]) -> tuple[float, float, float, float, float]:
    """Four, five or more coefficients; those beyond k3 must be zero."""
    found = _numbers(path, raw, "distortion_coefficients")
    if len(found) not in (4, 5, 8, 12, 14) or found[5:].any():
        raise RobokilnError(
            f"{path}: distortion_coefficients: expected k1, k2, p1, p2 and k3 alone, "
            f"got {found.tolist()}"
        )
    k1, k2, p1, p2, k3 = (float(v) for v in np.append(found, 0.0)[:5])
    return k1, k2, p1, p2, k3
