"""Trained policies and training states on disk: safetensors and JSON, never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from robokiln.files import write_file, write_json
from robokiln.policy.config import TrainConfig
from robokiln.policy.files import read_file, read_json, sha256
from robokiln.policy.models import build_model
from robokiln.policy.policy import TrainedPolicy, pick_device
from robokiln.policy.spec import ChunkModel, PolicySpec
from robokiln.serial import canonical_json, from_json, parse_json, shown
from robokiln.types import RobokilnError

FORMAT = "robokiln-policy/2"
WEIGHTS, DESCRIPTION = "policy.safetensors", "policy.json"
STATE = "checkpoint/state.safetensors"
_MISFITS = (RuntimeError, ValueError, KeyError, TypeError, ArithmeticError, MemoryError)
"""What building a model raises for a spec that makes no sense."""


@dataclass(frozen=True)
class Description:
    """policy.json. The weights' header holds the hash of the spec, so neither file fits another."""

    format: str
    spec: PolicySpec
    config: TrainConfig
    parameters: int
    dataset_sha256: str
    weights_sha256: str


def save_policy(
    out: Path, spec: PolicySpec, config: TrainConfig, model: ChunkModel, dataset_sha256: str
) -> None:
    """Write the weights, then policy.json, which makes the directory complete."""
    weights = pack(model.state_dict(), ("spec_sha256", sha256(canonical_json(spec).encode())))
    write_file(out / WEIGHTS, weights)
    count = sum(p.numel() for p in model.parameters())
    write_json(
        out / DESCRIPTION,
        Description(FORMAT, spec, config, count, dataset_sha256, sha256(weights)),
    )


def describe(directory: Path) -> Description:
    """policy.json, checked against the weights beside it."""
    path = directory / DESCRIPTION
    data = read_json(path)
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise RobokilnError(f"{path}: expected the format '{FORMAT}', got {shown(found)}")
    description = from_json(Description, data, str(path))
    weights = read_file(directory / WEIGHTS)
    if sha256(weights) != description.weights_sha256:
        raise RobokilnError(
            f"{directory / WEIGHTS}: is truncated or was changed; its SHA-256 is not the one "
            f"that {DESCRIPTION} gives"
        )
    belongs_to = _header(directory / WEIGHTS, weights).get("spec_sha256")
    # As it was written, before later versions' defaults are added.
    if belongs_to != sha256(canonical_json(data["spec"]).encode()):
        raise RobokilnError(f"{path}: was changed; it does not belong to {WEIGHTS}")
    return description


def load(directory: Path | str, device: str = "auto", threads: int | None = None) -> TrainedPolicy:
    """A trained policy; `device` is "auto", "cpu" or "cuda".

    `threads` limits PyTorch in this whole process: 1 where several processes act at a time. A
    missing, truncated or changed file is a RobokilnError that names it.
    """
    directory = Path(directory)
    target = pick_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    description = describe(directory)
    try:
        tensors = load_tensors(read_file(directory / WEIGHTS))
        _check_shapes(description.spec, tensors)
        model = build_model(description.spec)
        model.load_state_dict(tensors)
    except RobokilnError:
        raise
    except (*_MISFITS, SafetensorError) as error:
        reason = str(error)[:300]
        raise RobokilnError(f"{directory / WEIGHTS}: does not fit its spec: {reason}") from None
    return TrainedPolicy(description.spec, model, target)


def _check_shapes(spec: PolicySpec, tensors: Mapping[str, Tensor]) -> None:
    """The weights must fit before a model is built: a spec may ask for any amount of memory."""
    with torch.device("meta"):
        expected = {n: tuple(t.shape) for n, t in build_model(spec).state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            there, asked = found.get(name, "nothing"), expected.get(name, "nothing")
            raise ValueError(f"'{name}' is {there}, expected {asked}")


def pack(tensors: Mapping[str, Tensor], note: tuple[str, str]) -> bytes:
    """Safetensors bytes; equal tensors give equal bytes.

    One note in the header, since safetensors writes several in random order.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in sorted(tensors.items())}
    packed: bytes = save_tensors(plain, dict([note]))
    return packed


def header(content: bytes) -> dict[str, str]:
    """The metadata of safetensors bytes."""
    length = int.from_bytes(content[:8], "little")
    try:
        found = parse_json(content[8 : 8 + length])
        metadata = found.get("__metadata__", {})
        return {str(key): str(value) for key, value in metadata.items()}
    except AttributeError:
        raise ValueError("expected an object") from None


def _header(path: Path, content: bytes) -> dict[str, str]:
    try:
        return header(content)
    except ValueError:
        raise RobokilnError(f"{path}: not safetensors; nothing else is ever loaded") from None


@dataclass
class TrainingState:
    """All that changes while training runs; randomness is a function of the step."""

    model: ChunkModel
    average: ChunkModel
    optimizer: torch.optim.AdamW
    step: int = 0

    def save(self, out: Path) -> None:
        """Replace the checkpoint in one move."""
        tensors = {f"model/{n}": t for n, t in self.model.state_dict().items()}
        tensors |= {f"average/{n}": t for n, t in self.average.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{key}/{name}"] = value
        (out / STATE).parent.mkdir(exist_ok=True)
        write_file(out / STATE, pack(tensors, ("step", str(self.step))))

    def restore(self, out: Path) -> None:
        """Continue from the checkpoint, if there is one."""
        path = out / STATE
        if not path.exists():
            return
        content = read_file(path)
        try:
            tensors, self.step = load_tensors(content), int(header(content)["step"])
            self.model.load_state_dict(_part(tensors, "model/"))
            self.average.load_state_dict(_part(tensors, "average/"))
            self.optimizer.load_state_dict(self._optimizer_state(tensors))
        except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
            raise RobokilnError(
                f"{path}: is damaged ({error}); delete {path.parent} to start again"
            ) from None

    def _optimizer_state(self, tensors: Mapping[str, Tensor]) -> dict[str, object]:
        keys = sorted({n.partition("/")[0] for n in tensors if n.startswith("optimizer.")})
        state = {}
        for i, (name, _) in enumerate(self.model.named_parameters()):
            state[i] = {k.removeprefix("optimizer."): tensors[f"{k}/{name}"] for k in keys}
        return {"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
