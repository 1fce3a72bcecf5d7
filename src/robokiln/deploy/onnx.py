"""A policy that onnxruntime computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.deploy.manifest import GRAPH, CameraInput, Manifest, Port, read_manifest
from robokiln.deploy.policy import pictures_of
from robokiln.geometry import pose_to_action
from robokiln.types import Array, RobokilnError

STATE, TOKENS, ROLES = "observation.state", "tokens", "roles"
ACTION = "action"
_DTYPES = {"tensor(uint8)": "uint8", "tensor(int64)": "int64", "tensor(float)": "float32"}


def load(directory: Path | str, threads: int = 1) -> OnnxPolicy:
    """An exported policy; a missing, changed or foreign file is a RobokilnError that names it."""
    try:
        import onnxruntime
    except ImportError:
        raise RobokilnError("onnxruntime is not installed: pip install 'robokiln[onnx]'") from None
    manifest = read_manifest(directory)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    path = Path(directory) / GRAPH
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own classes derive from Exception alone
        raise RobokilnError(f"{path}: not a graph that can be run: {str(error)[:300]}") from None
    for kind, ports, found in (
        ("inputs", manifest.inputs, session.get_inputs()),
        ("outputs", manifest.outputs, session.get_outputs()),
    ):
        expected = {(p.name, p.dtype, p.shape) for p in ports}
        there = {(p.name, _DTYPES.get(p.type, p.type), tuple(p.shape)) for p in found}
        if expected != there:
            raise RobokilnError(f"{path}: {kind} are {sorted(there)}; expected {sorted(expected)}")
    return OnnxPolicy(manifest, session)


class OnnxPolicy:
    """Predicts chunks as the policy that it was exported from does."""

    def __init__(self, manifest: Manifest, session: Any) -> None:
        self.manifest, self._session = manifest, session
        self.chunk, self.execute = manifest.chunk, manifest.execute
        self.cameras: tuple[CameraInput, ...] = manifest.cameras
        self.uses_images, self.trained_on = bool(manifest.cameras), manifest.trained_on

    def predict(
        self,
        images: Mapping[str, Array],
        proprioception: Array,
        instructions: Sequence[str],
        target_goal_pose: Array | None = None,
    ) -> Array:
        """Absolute actions in the base frame [B, chunk, 10], see `Policy.predict`."""
        chunks = []
        for row, instruction in enumerate(instructions):
            feed, reads = dict[str, Array](), self.manifest.reads
            for camera in self.cameras:
                picture = pictures_of(camera, images)[row : row + 1]
                feed[camera.input] = np.ascontiguousarray(picture)
            if TOKENS in reads:
                feed[TOKENS] = self.manifest.tokenizer.encode(instruction)
            if STATE in reads:
                feed[STATE] = np.asarray(proprioception[row : row + 1], np.float32)
            if ROLES in reads:
                feed[ROLES] = self._roles(target_goal_pose, row)
            chunks.append(self.run(feed))
        return np.concatenate(chunks).astype(np.float64)

    def run(self, feed: Mapping[str, Array]) -> Array:
        """The graph's actions float32 [1, chunk, 10] for its own inputs."""
        out: Array = self._session.run([ACTION], dict(feed))[0]
        return out

    def _roles(self, poses: Array | None, row: int) -> Array:
        """Poses [7] of each role as positions and two rotation columns: float32 [1, R, 9]."""
        port: Port = next(p for p in self.manifest.inputs if p.name == ROLES)
        if poses is None:
            needed = 7 * port.shape[1]
            raise RobokilnError(
                f"policy '{self.manifest.model}' needs target_goal_pose [B, {needed}]"
            )
        pose = np.asarray(poses[row], np.float64).reshape(1, -1, 7)
        return pose_to_action(pose, 0.0)[..., :9].astype(np.float32)
