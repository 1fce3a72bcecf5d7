"""What a run is to make, and in which code and environment: its identity on disk."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import robokiln
from robokiln.episode import EpisodeConfig, ForceNoise
from robokiln.frames import LookConfig, SensorConfig
from robokiln.frames.checks import check_names
from robokiln.kiln.compare import CompareConfig
from robokiln.kiln.gates import GateConfig
from robokiln.kiln.labels import check_record
from robokiln.kiln.relabel import Relabel
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.serial import canonical_json, from_json, parse_json, to_json
from robokiln.types import Camera, RobokilnError, lookup

MOST, MOST_PIXELS = 10_000_000, 8192
"""Episodes, looks or attempts, and pixels of a picture's side: more is a slip or an attack."""
CODECS = {"h264": "H.264", "av1": "AV1"}
# Other packages of ours (policy, report, cli) can't change a dataset's bytes.
_CODE = ("types", "assets", "scene", "physics", "episode", "frames", "dataset", "kiln", "workers")
_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "trimesh",
    "pyarrow",
    "av",
    "pillow",
)


FORMAT = "robokiln-plan-1"
FOLDER = Path("meta") / "robokiln"
"""Where a dataset keeps its own plan, scenes and looks."""
UNITS = FOLDER / "units.jsonl"
"""Each unit's slot and the SHA-256 of its manifest, which holds those of its files."""


@dataclass(frozen=True)
class Origin:
    """The dataset whose motions are rendered again, by the SHA-256 of its SHA256SUMS."""

    sha256sums: str


@dataclass(frozen=True)
class Plan:
    """Everything that a dataset's bytes depend on, besides code and environment.

    `episodes` slots are filled; each gives `looks_per_episode` dataset episodes. With
    `antialias`, RGB is averaged over four samples a pixel. `sensors` are those of cameras by name;
    a camera without one is ideal. `record` names what labels are kept beside the pictures; `gates`
    refuse attempts. With an `origin` nothing is simulated: its motions are rendered again, and
    `seed` is that of new looks and of the cameras' noise. With `relabel` a policy's rollouts are
    taken over by the expert.
    """

    task: str
    robot: str
    cameras: tuple[Camera, ...]
    episodes: int
    seed: int = 0
    look: LookConfig = field(default_factory=LookConfig)
    looks_per_episode: int = 1
    antialias: bool = True
    episode: EpisodeConfig = field(default_factory=EpisodeConfig)
    max_attempts: int = 20
    codec: str = "h264"
    sensors: Mapping[str, SensorConfig] = field(default_factory=dict)
    force_noise: ForceNoise = field(default_factory=ForceNoise)
    record: tuple[str, ...] = ()
    gates: GateConfig = field(default_factory=GateConfig)
    origin: Origin | None = None
    compare: CompareConfig = field(default_factory=CompareConfig)
    scene: SceneConfig = field(default_factory=SceneConfig)
    relabel: Relabel | None = None

    def __post_init__(self) -> None:
        tasks.get(self.task, robots.get(self.robot))
        lookup("codec", self.codec, CODECS)
        for name in ("episodes", "looks_per_episode", "max_attempts"):
            if getattr(self, name) < 1:
                raise RobokilnError(f"{name}: expected at least 1, got {getattr(self, name)}")
            if getattr(self, name) > MOST:
                raise RobokilnError(f"{name}: expected at most {MOST}, got {getattr(self, name)}")
        if not 0 <= self.seed < 2**32:
            raise RobokilnError(f"seed: expected 0 to {2**32 - 1}, got {self.seed}")
        check_record(self.record, self.cameras, self.sensors)
        if not self.cameras:
            raise RobokilnError("cameras: expected at least one camera, got none")
        check_names(self.cameras)
        for camera in self.cameras:
            if not (16 <= camera.width <= MOST_PIXELS and 16 <= camera.height <= MOST_PIXELS):
                raise RobokilnError(
                    f"camera '{camera.name}': {camera.width} x {camera.height}: expected "
                    f"16 to {MOST_PIXELS} pixels a side"
                )
        for name in self.sensors:
            lookup("sensors: camera", name, {camera.name: camera for camera in self.cameras})


def read_plan(path: Path) -> Plan:
    """The plan in a plan.json of this format."""
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
        kind, configuration = found["format"], found["configuration"]
    except OSError as error:
        raise RobokilnError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RobokilnError(f"{path}: not a plan.json of robokiln") from None
    if kind != FORMAT:
        raise RobokilnError(f"{path}: expected the format '{FORMAT}', got {str(kind)[:40]!r}")
    return from_json(Plan, configuration, str(path))


def identity(plan: Plan) -> dict[str, Any]:
    """The contents of plan.json: configuration, hash of it, of our code, and the environment."""
    return {
        "format": FORMAT,
        "configuration": to_json(plan),
        "configuration_sha256": hashlib.sha256(canonical_json(plan).encode()).hexdigest(),
        "code_sha256": _code_hash(),
        "environment": _environment(),
    }


def differences(
    before: Mapping[str, Any], now: Mapping[str, Any], hints: tuple[str, str] = ("there", "now")
) -> list[str]:
    """One line for each key whose value differs between two identities."""
    skipped = "configuration_sha256"  # follows from the configuration
    old = dict(_flat({k: v for k, v in before.items() if k != skipped}))
    new = dict(_flat({k: v for k, v in now.items() if k != skipped}))
    return [
        f"  {key}: {hints[0]} {_short(old.get(key))}, {hints[1]} {_short(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    children = value.items() if isinstance(value, Mapping) else None
    if isinstance(value, list) and any(isinstance(v, (Mapping, list)) for v in value):
        children = enumerate(value)  # type: ignore[assignment]
    if children is None:
        yield key.removeprefix("configuration."), value
        return
    for name, child in children:
        yield from _flat(child, f"{key}.{name}" if key else str(name))


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 48 else f"{text[:40]}...{text[-4:]}"


def _code_hash() -> str:
    root = Path(robokiln.__file__).parent
    digest = hashlib.sha256()
    shared = [root / f"{name}.py" for name in ("faults", "files", "geometry", "seeds", "serial")]
    for file in shared + sorted(f for name in _CODE for f in (root / name).rglob("*.py")):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _environment() -> dict[str, Any]:
    bullet = "pybullet" if _has("pybullet") else "pybullet-arm64"
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "cpu_features": cpu_features(),
        "packages": {name: version(name) for name in (*_PACKAGES, bullet)},
    }


def _has(distribution: str) -> bool:
    from importlib.metadata import PackageNotFoundError

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def cpu_features() -> str:
    """The x86-64 level that compiled code may use ("x86-64-v4"), or the machine's name."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    line = next((x for x in text.splitlines() if x.startswith("flags")), "")
    flags = set(line.partition(":")[2].split())
    levels = {
        "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
        "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
        "x86-64-v2": {"sse4_2", "ssse3", "popcnt"},
    }
    return next((name for name, need in levels.items() if need <= flags), platform.machine())
