"""manifest.json beside an exported policy: all that a program must know to run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robokiln.deploy.policy import TrainedOn
from robokiln.files import file_hash
from robokiln.serial import from_json, parse_json, shown
from robokiln.types import Array, PoseTuple, RobokilnError

FORMAT = "robokiln-onnx/1"
MANIFEST, GRAPH = "manifest.json", "policy.onnx"
_WORD = re.compile(r"[a-z0-9']+")


def words_of(instruction: str) -> list[str]:
    """Lower-case words without punctuation."""
    return _WORD.findall(instruction.lower())


@dataclass(frozen=True)
class Port:
    """An input or output of the graph; `shape` begins with the batch, which is 1."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True)
class CameraInput:
    """A camera whose whole RGB pictures the graph takes; it cuts `crop` (top, left, height, width)
    out by itself. `sensor`, `fov` (degrees, vertical), `frame` and `pose` are those of training."""

    name: str
    input: str
    height: int
    width: int
    crop: tuple[int, int, int, int]
    fov: float
    frame: str
    pose: PoseTuple
    sensor: str


@dataclass(frozen=True)
class Tokenizer:
    """Words to tokens: `rule` in words; the token of `words[i]` is `first` + i."""

    rule: str
    words: tuple[str, ...]
    first: int
    unknown: int
    pad: int
    length: int

    def encode(self, instruction: str) -> Array:
        """Tokens int64 [1, length]; words past `length` are dropped."""
        known = {word: i for i, word in enumerate(self.words, start=self.first)}
        found = words_of(instruction)[: self.length]
        tokens = np.full((1, self.length), self.pad, np.int64)
        tokens[0, : len(found)] = [known.get(word, self.unknown) for word in found]
        return tokens


@dataclass(frozen=True)
class Scale:
    """normalised = (raw - center) / scale."""

    center: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class Check:
    """How far the graph's actions were from torch's on `samples` observations from `source`."""

    source: str
    samples: int
    largest_difference: float
    tolerance: float


@dataclass(frozen=True)
class Manifest:
    """`normalization` and `transform` tell what the graph does inside; no caller repeats it.

    A chunk of `chunk` actions is predicted, `execute` of them are carried out, one each
    1 / `trained_on.control_hz` seconds. `origin` holds the hashes of what the policy was made from;
    `sha256` those of the files beside the manifest.
    """

    format: str
    model: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    cameras: tuple[CameraInput, ...]
    tokenizer: Tokenizer
    chunk: int
    execute: int
    trained_on: TrainedOn
    action_names: tuple[str, ...]
    normalization: Mapping[str, Scale]
    transform: tuple[str, ...]
    check: Check
    origin: Mapping[str, str]
    sha256: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def reads(self) -> frozenset[str]:
        """Names of the inputs."""
        return frozenset(port.name for port in self.inputs)


def read_manifest(directory: Path | str) -> Manifest:
    """The manifest, after a check that the files beside it are those that it was written for."""
    directory = Path(directory)
    path = directory / MANIFEST
    try:
        data = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RobokilnError(f"{path}: is missing; `robokiln export policy=DIR` writes it") from None
    except (ValueError, OSError) as error:
        raise RobokilnError(f"{path}: is damaged or truncated ({error})") from None
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise RobokilnError(f"{path}: expected the format '{FORMAT}', got {shown(found)}")
    manifest = from_json(Manifest, data, str(path))
    if set(manifest.sha256) != {GRAPH}:
        raise RobokilnError(f"{path}: sha256: expected the hash of {GRAPH} alone")
    model = directory / GRAPH
    if not model.is_file():
        raise RobokilnError(f"{model}: is missing")
    if file_hash(model) != manifest.sha256[GRAPH]:
        raise RobokilnError(
            f"{model}: is truncated or was changed; its SHA-256 is not the one {MANIFEST} gives"
        )
    return manifest
