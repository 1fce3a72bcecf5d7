"""The model with all arithmetic around it, as one graph: raw observations -> absolute actions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from robokiln.deploy import CameraInput
from robokiln.deploy.onnx import ACTION, ROLES, STATE, TOKENS
from robokiln.policy.spec import ChunkModel, Inputs, PolicySpec
from robokiln.policy.transforms import Normalize
from robokiln.policy.words import UNKNOWN

OPSET = 17
PICTURE = "observation.images."


def flat(inputs: Inputs) -> dict[str, Tensor]:
    """The tensors of all fields by name, those of mappings by "field.key"."""
    found: dict[str, Tensor] = {}
    for field in fields(inputs):
        value: Any = getattr(inputs, field.name)
        nested = isinstance(value, Mapping)
        found |= {f"{field.name}.{k}": t for k, t in value.items()} if nested else {}
        found |= {} if nested else {field.name: value}
    return found


def follows_observation(name: str) -> bool:
    """Whether the graph computes this tensor of `flat` from its inputs, rather than keeps it."""
    read = ("tokens", "proprioception", "position", "turn", "roles")
    return name in read or name.startswith("images.")


class Graph(nn.Module):
    """One observation -> chunk [1, chunk, 10]: what `TrainedPolicy.predict` does with one row.

    `sample` are the model's inputs for any observation; it gives the shapes, and the values of
    what no observation changes, such as the corners of the crops.
    """

    def __init__(
        self,
        spec: PolicySpec,
        model: ChunkModel,
        cameras: Sequence[CameraInput],
        sample: Inputs,
    ) -> None:
        super().__init__()
        self.spec, self.model, self.cameras, self.sample = spec, model, tuple(cameras), sample

    def examples(self) -> dict[str, Tensor]:
        """A tensor for each input. No token is padding: an encoder that looks at the longest
        instruction only would otherwise be traced for a shorter one."""
        pictures = {
            c.input: torch.zeros(1, c.height, c.width, 3, dtype=torch.uint8) for c in self.cameras
        }
        roles = torch.zeros_like(self.sample.roles)
        state = torch.tensor([[0.4, 0.0, 0.3, 1, 0, 0, 0, -1, 0, 1]])
        tokens = torch.full_like(self.sample.tokens, UNKNOWN)
        return {**pictures, TOKENS: tokens, STATE: state, ROLES: roles}

    def forward(self, *parts: Tensor) -> Tensor:
        given = dict(zip(self.examples(), parts, strict=True))
        state, roles = given[STATE], given[ROLES]
        pictures = {}
        for camera in self.cameras:
            top, left, height, width = camera.crop
            whole = given[camera.input]
            pictures[camera.name] = whole[:, top : top + height, left : left + width]
        place = self.spec.position
        inputs = replace(
            self.sample,
            images=pictures,
            tokens=given[TOKENS],
            proprioception=_normalized(state, self.spec.proprioception),
            position=_normalized(state[:, :3], place),
            turn=torch.stack(_axes(state[:, 3:9]), -1),
            roles=torch.cat([_normalized(roles[..., :3], place), roles[..., 3:]], -1),
        )
        return self._absolute(self.model(inputs), state)

    def _absolute(self, out: Tensor, state: Tensor) -> Tensor:
        """Undo the normalisation, then `transforms.ToAbsolute`."""
        scale = self.spec.chunk_scale
        motion = out[..., :9].reshape(1, -1) * _row(scale.scale) + _row(scale.center)
        motion = motion.reshape(1, self.spec.chunk, 9)
        gripper = out[..., 9:].round() if self.spec.binary_gripper else out[..., 9:]
        turn = torch.stack(_axes(state[:, None, 3:9]), -1)
        columns = [(turn @ axis[..., None])[..., 0] for axis in _axes(motion[..., 3:9])[:2]]
        there = (turn @ motion[..., :3, None])[..., 0] + state[:, None, :3]
        return torch.cat([there, *columns, gripper], -1)


def _normalized(values: Tensor, by: Normalize) -> Tensor:
    return (values - _row(by.center)) / _row(by.scale)


def _row(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _axes(rot6: Tensor) -> list[Tensor]:
    """The columns of `geometry.rot6_to_matrix`."""
    a, b = rot6[..., :3], rot6[..., 3:]
    x = a / a.square().sum(-1, keepdim=True).sqrt()
    y = b - (x * b).sum(-1, keepdim=True) * x
    y = y / y.square().sum(-1, keepdim=True).sqrt()
    (x0, x1, x2), (y0, y1, y2) = x.unbind(-1), y.unbind(-1)
    return [x, y, torch.stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], -1)]


def write_graph(graph: Graph, path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Write the ONNX file; the dtype and shape of each input that it reads, by name."""
    import onnx

    examples = graph.examples()
    with _traceable():
        torch.onnx.export(
            graph.eval(),
            tuple(examples.values()),
            path,
            input_names=list(examples),
            output_names=[ACTION],
            opset_version=OPSET,
            dynamo=False,
        )
    written = onnx.load(path)
    read = {name for node in written.graph.node for name in node.input}
    unread = [port for port in written.graph.input if port.name not in read]
    for port in unread:
        written.graph.input.remove(port)
    onnx.save(written, path)
    kinds = {n: (str(t.dtype).removeprefix("torch."), tuple(t.shape)) for n, t in examples.items()}
    return {n: kind for n, kind in kinds.items() if n in read}


@contextmanager
def _traceable() -> Iterator[None]:
    """Tracing, not torch.export: that refuses models whose shapes follow from values, and needs
    onnxscript. What tracing warns of, constant shapes, is meant: the batch is 1, no token padding.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore", TracerWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
