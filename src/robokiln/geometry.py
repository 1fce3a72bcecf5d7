"""Poses, rotations and cameras in pure numpy. Quaternions are xyzw; a pose is [..., 7]."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from robokiln.types import Array, Camera, PoseTuple

IDENTITY: PoseTuple = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


_NEXT, _AFTER = [1, 2, 0], [2, 0, 1]


def _parts(values: Array) -> list[Any]:
    """The parts [...] of [..., n]; those of one vector are floats, which are faster."""
    if values.ndim == 1:
        return values.tolist()
    return [values[..., i] for i in range(values.shape[-1])]


def _joined(parts: Sequence[Any]) -> Array:
    """What `_parts` takes apart."""
    return np.array(parts) if isinstance(parts[0], float) else np.stack(parts, axis=-1)


def _unit(q: Array) -> list[Any]:
    """The parts of a quaternion that is normalised first."""
    x, y, z, w = _parts(q)
    square = x * x + y * y + z * z + w * w
    n = math.sqrt(square) or math.nan if q.ndim == 1 else np.sqrt(square)
    return [x / n, y / n, z / n, w / n]


def cross(a: Array, b: Array) -> Array:
    """The cross product [..., 3]; numpy's own costs four times as much on a few rows."""
    return a[..., _NEXT] * b[..., _AFTER] - a[..., _AFTER] * b[..., _NEXT]


def quat_multiply(a: Array, b: Array) -> Array:
    """Hamilton product a * b, [..., 4]."""
    ax, ay, az, aw = _parts(np.asarray(a, float))
    bx, by, bz, bw = _parts(np.asarray(b, float))
    return _joined(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def quat_to_matrix(q: Array) -> Array:
    """[..., 4] -> [..., 3, 3]; the quaternion is normalised first."""
    q = np.asarray(q, float)
    x, y, z, w = _unit(q)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return _joined(rows).reshape(*q.shape[:-1], 3, 3)


def matrix_to_quat(m: Array) -> Array:
    """[..., 3, 3] -> [..., 4] with w >= 0, by the largest of the four components."""
    m = np.asarray(m, float)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = _parts(m.reshape(*m.shape[:-2], 9))
    trace = xx + yy + zz
    # Each row is the quaternion times four times one of its components; take the longest.
    rows = [
        [1 + 2 * xx - trace, xy + yx, zx + xz, zy - yz],
        [xy + yx, 1 + 2 * yy - trace, yz + zy, xz - zx],
        [zx + xz, yz + zy, 1 + 2 * zz - trace, yx - xy],
        [zy - yz, xz - zx, yx - xy, 1 + trace],
    ]
    if m.ndim == 2:
        q = np.array(_unit(np.array(rows[max(range(4), key=lambda i: rows[i][i])])))
        return -q if q[3] < 0 else q
    best = np.argmax(np.stack([row[i] for i, row in enumerate(rows)], -1), axis=-1)
    stacked = np.stack([_joined(row) for row in rows], axis=-2)
    q = _joined(_unit(np.take_along_axis(stacked, best[..., None, None], axis=-2)[..., 0, :]))
    return np.where(q[..., 3:] < 0, -q, q)


def quat_from_axis_angle(axis: Array, angle: float | Array) -> Array:
    """Unit axis [..., 3] and angle (rad) -> [..., 4]."""
    half = np.asarray(angle)[..., None] / 2
    return np.concatenate([np.asarray(axis) * np.sin(half), np.cos(half)], axis=-1)


def quat_from_yaw(yaw: float) -> Array:
    """A rotation about world z."""
    return np.array([0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)])


def rotation_vector(m: Array) -> Array:
    """Axis times angle of a rotation matrix [3, 3] -> [3]."""
    v = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / 2
    sine, cosine = math.sqrt(v @ v), (m[0, 0] + m[1, 1] + m[2, 2] - 1) / 2
    if sine > 1e-6:
        return v * (math.atan2(sine, cosine) / sine)
    if cosine > 0:
        return v
    q = matrix_to_quat(m)  # half a turn: the antisymmetric part says nothing
    return q[:3] / np.linalg.norm(q[:3]) * np.pi


def pose(position: Array | tuple[float, ...], quat: Array | tuple[float, ...]) -> Array:
    """Position [..., 3] and quaternion [..., 4] -> [..., 7]."""
    return np.concatenate([np.asarray(position, float), np.asarray(quat, float)], axis=-1)


def pose_tuple(value: Array) -> PoseTuple:
    """A pose [7] as plain floats, for a spec."""
    x, y, z, qx, qy, qz, qw = (float(v) for v in value)
    return (x, y, z, qx, qy, qz, qw)


def compose(a: Array | PoseTuple, b: Array | PoseTuple) -> Array:
    """The pose b, given in the frame a, in a's parent frame: [..., 7]."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    position = a[..., :3] + (quat_to_matrix(a[..., 3:]) @ b[..., :3, None])[..., 0]
    return np.concatenate([position, quat_multiply(a[..., 3:], b[..., 3:])], axis=-1)


def inverse(p: Array | PoseTuple) -> Array:
    """The pose that undoes p: [..., 7]."""
    p = np.asarray(p, float)
    q = p[..., 3:] * np.array([-1.0, -1.0, -1.0, 1.0])
    position = -(quat_to_matrix(q) @ p[..., :3, None])[..., 0]
    return np.concatenate([position, q], axis=-1)


def pose_to_matrix(p: Array | PoseTuple) -> Array:
    """[..., 7] -> homogeneous [..., 4, 4]."""
    p = np.asarray(p, float)
    m = np.zeros((*p.shape[:-1], 4, 4))
    m[..., :3, :3] = quat_to_matrix(p[..., 3:])
    m[..., :3, 3] = p[..., :3]
    m[..., 3, 3] = 1
    return m


def pose_to_action(p: Array, gripper: Array | float) -> Array:
    """Pose [..., 7] and opening [...] -> action layout [..., 10]."""
    m = quat_to_matrix(p[..., 3:])
    opening = np.broadcast_to(np.asarray(gripper, float), p.shape[:-1])[..., None]
    return np.concatenate([p[..., :3], m[..., :, 0], m[..., :, 1], opening], axis=-1)


def rot6_to_matrix(rot6: Array) -> Array:
    """Two columns [..., 6], not necessarily orthonormal -> [..., 3, 3] by Gram-Schmidt.

    Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", 2019.
    """
    a, b = rot6[..., :3], rot6[..., 3:6]
    x = a / np.linalg.norm(a, axis=-1, keepdims=True)
    y = b - (x * b).sum(axis=-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, cross(x, y)], axis=-1)


def action_to_pose(action: Array) -> Array:
    """Action layout [..., 10] -> pose [..., 7]."""
    return np.concatenate([action[..., :3], matrix_to_quat(rot6_to_matrix(action[..., 3:9]))], -1)


def look_at(
    eye: tuple[float, float, float],
    target: tuple[float, float, float],
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> PoseTuple:
    """A camera pose at `eye` that sees `target` in its centre, `up` upwards in the picture."""
    forward = np.asarray(target, float) - np.asarray(eye, float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, float))
    right /= np.linalg.norm(right)
    m = np.stack([right, np.cross(forward, right), forward], axis=-1)
    return pose_tuple(pose(np.asarray(eye), matrix_to_quat(m)))


def intrinsics(camera: Camera) -> Array:
    """The 3 x 3 pinhole matrix in pixels; pixel centres lie at half-integers."""
    if camera.calibration:
        fx, fy, cx, cy = camera.calibration
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    f = camera.height / 2 / np.tan(np.radians(camera.fov) / 2)
    return np.array([[f, 0, camera.width / 2], [0, f, camera.height / 2], [0, 0, 1.0]])


def resized(camera: Camera, width: int, height: int) -> Camera:
    """The camera with another picture: the same view from top to bottom, sides cut or added."""
    if camera.calibration:
        fx, fy, cx, cy = camera.calibration
        s = height / camera.height
        middle = width / 2 + (cx - camera.width / 2) * s
        camera = dataclasses.replace(camera, calibration=(fx * s, fy * s, middle, cy * s))
    return dataclasses.replace(camera, width=width, height=height)


def distort(points: Array, coefficients: Sequence[float]) -> Array:
    """Where a lens with k1, k2, p1, p2, k3 puts ideal normalised image points [..., 2].

    Brown, "Close-range camera calibration", 1971, in OpenCV's form.
    """
    k1, k2, p1, p2, k3 = coefficients
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def project(
    camera: Camera, camera_pose: Array, points: Array, distortion: Sequence[float] = ()
) -> Array:
    """World points [..., 3] -> pixel x, y and depth (m) [..., 3]; camera_pose broadcasts."""
    inv = inverse(camera_pose)
    local = (quat_to_matrix(inv[..., 3:]) @ points[..., None])[..., 0] + inv[..., :3]
    k = intrinsics(camera)
    if not any(distortion):
        image = local @ k.T
        return np.concatenate([image[..., :2] / local[..., 2:], local[..., 2:]], axis=-1)
    seen = distort(local[..., :2] / local[..., 2:], distortion)
    return np.concatenate([seen * k[[0, 1], [0, 1]] + k[:2, 2], local[..., 2:]], axis=-1)
