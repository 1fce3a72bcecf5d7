"""A trained policy as ONNX and a manifest, held against torch before it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from robokiln import dataset, deploy
from robokiln.deploy import CameraInput, Check, Manifest, Port, Scale, Tokenizer
from robokiln.deploy.onnx import ACTION, ROLES, STATE, TOKENS
from robokiln.files import file_hash, new_directory, write_json
from robokiln.policy.checkpoint import Description, describe, load
from robokiln.policy.onnx_graph import PICTURE, Graph, flat, follows_observation, write_graph
from robokiln.policy.policy import TrainedPolicy
from robokiln.policy.spec import Inputs, PolicySpec, center_offsets
from robokiln.policy.words import MAX_WORDS, PAD, UNKNOWN
from robokiln.types import ACTION_DIM, ACTION_NAMES, Array, RobokilnError

TOLERANCE = 1e-5
"""Metres, entries of rotation matrices, openings."""
EPISODES, PER_EPISODE = 16, 4
_RULE = "lower case; words are the longest runs of a-z, 0-9 and '; all else separates"
_TRANSFORM = (
    "pictures: cut to the crop, as they are in memory (row 0 on top, RGB)",
    "proprioception and position (its first three): normalised",
    "the model: normalised motion [chunk, 9] and the gripper's opening",
    "motion: times scale plus center of 'chunk' (flattened, chunk * 9 entries)",
    "position = motion[:3] + the observed position; base frame",
    "rotation columns = observed rotation @ rotation of motion[3:9] (Gram-Schmidt)",
)


@dataclass(frozen=True)
class Sample:
    """One observation: pictures uint8 [H, W, 3], proprioception [10], target_goal_pose [7 R]."""

    images: Mapping[str, Array]
    proprioception: Array
    instruction: str
    target_goal_pose: Array


def require_packages() -> None:
    """An error that names what is missing of `robokiln[onnx]`."""
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise RobokilnError(f"{', '.join(missing)} not installed: pip install 'robokiln[onnx]'")


def export(directory: Path | str, out: Path | str, samples: Sequence[Sample], source: str) -> Path:
    """Write `out` from the policy in `directory`; nothing is left where the two differ.

    `samples` are the observations on which they must agree, `source` says where they come from.
    """
    directory, out = Path(directory), Path(out)
    if not samples:
        raise RobokilnError(f"{source}: holds no observation to check the export on")
    description = describe(directory)
    if description.spec.language != "words":
        raise RobokilnError(
            f"{directory}: reads its instructions by '{description.spec.language}', which a graph "
            "can't take along; only policies with policy.language=words can be exported"
        )
    policy = load(directory, "cpu")
    samples = [*samples, *_odd_words(samples[0])]
    answers = [_answer(policy, sample) for sample in samples]
    seen = [inputs for inputs, _ in answers]
    check_constant(directory, seen)
    with new_directory(out) as unfinished:
        graph = Graph(policy.spec, policy.model, _cameras(policy.spec), seen[0])
        read = write_graph(graph, unfinished / deploy.GRAPH)
        # Written twice: the check needs a manifest, and its result belongs into it.
        check = Check(source, len(samples), 0.0, TOLERANCE)
        manifest = _manifest(description, graph, read, check, unfinished)
        write_json(unfinished / deploy.MANIFEST, manifest)
        exported = deploy.load(unfinished)
        pairs = zip(samples, answers, strict=True)
        gaps = [_predict(exported, sample) - actions for sample, (_, actions) in pairs]
        apart = float(np.abs(gaps).max())
        if not apart <= TOLERANCE:
            raise RobokilnError(
                f"{directory}: the exported graph differs from torch by {apart:.2g} on "
                f"{len(samples)} observations of {source}; at most {TOLERANCE} is let through"
            )
        check = replace(check, largest_difference=apart)
        write_json(unfinished / deploy.MANIFEST, replace(manifest, check=check))
    return out


def dataset_samples(root: Path) -> list[Sample]:
    """Observations from the beginning to the end of up to 16 episodes, as far apart as can be."""
    data = dataset.open(root, columns=(), cameras=())
    count = min(EPISODES, data.info.episodes)
    found = []
    for episode in np.linspace(0, data.info.episodes - 1, count).astype(int).tolist():
        rows = data.rows(episode)
        videos = {
            name.removeprefix(dataset.IMAGES): data.video(name, episode)
            for name in data.info.videos
        }
        steps = len(rows[dataset.STATE])
        for t in np.linspace(0, steps - 1, min(PER_EPISODE, steps)).astype(int).tolist():
            pictures = {name: frames[t] for name, frames in videos.items()}
            text = data.info.tasks[int(rows["task_index"][t])]
            pose = rows[dataset.TARGET_GOAL_POSE][t]
            found.append(Sample(pictures, rows[dataset.STATE][t], text, pose))
    return found


def _odd_words(sample: Sample) -> list[Sample]:
    """What a user may say: nothing, only words it never heard, and far too much."""
    longest = f"{sample.instruction} " * MAX_WORDS
    return [replace(sample, instruction=text) for text in ("", "Quux, FROB!", longest)]


def _predict(policy: deploy.Policy, sample: Sample) -> Array:
    return policy.predict(
        {name: picture[None] for name, picture in sample.images.items()},
        sample.proprioception[None],
        [sample.instruction],
        None if policy.uses_images else sample.target_goal_pose[None],
    )


def _answer(policy: TrainedPolicy, sample: Sample) -> tuple[Inputs, Array]:
    """What the model was given, and the actions."""
    given: list[Inputs] = []
    hook = policy.model.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    try:
        actions = _predict(policy, sample)
    finally:
        hook.remove()
    return given[0], actions


def check_constant(directory: Path, seen: Sequence[Inputs]) -> None:
    """What the graph keeps must not differ from one observation to another."""
    first = flat(seen[0])
    for name in (n for n in first if not follows_observation(n)):
        if any(not torch.equal(first[name], flat(other)[name]) for other in seen):
            known = ", ".join(field.name for field in fields(Inputs))
            raise RobokilnError(
                f"{directory}: its model reads '{name}', which changes with the observation and "
                f"which the export does not know how to compute; fields: {known}"
            )


def _cameras(spec: PolicySpec) -> list[CameraInput]:
    corners = center_offsets(spec, 1)
    found = []
    for c in spec.cameras:
        left, top = (int(v) for v in corners[c.name][0])
        crop = (top, left, *spec.crop(c))
        about = (c.fov, c.frame, c.pose, c.sensor)
        found.append(CameraInput(c.name, PICTURE + c.name, c.height, c.width, crop, *about))
    return found


def _manifest(
    description: Description,
    graph: Graph,
    read: Mapping[str, tuple[str, tuple[int, ...]]],
    check: Check,
    folder: Path,
) -> Manifest:
    spec = graph.spec
    gripper = "gripper: rounded to 0 or 1" if spec.binary_gripper else "gripper: as it is"
    chunk = Port(
        ACTION,
        "float32",
        (1, spec.chunk, ACTION_DIM),
        "absolute end-effector targets in the robot's base frame: metres, two columns of the "
        "rotation matrix (orthonormal), the gripper's opening in [0, 1] (1: open)",
    )
    normalize = {
        "proprioception": spec.proprioception,
        "position": spec.position,
        "chunk": spec.chunk_scale,
    }
    return Manifest(
        format=deploy.FORMAT,
        model=spec.model,
        inputs=tuple(Port(n, *kind, _meaning(n)) for n, kind in read.items()),
        outputs=(chunk,),
        cameras=tuple(c for c in graph.cameras if c.input in read),
        tokenizer=Tokenizer(_RULE, spec.vocabulary.words, 2, UNKNOWN, PAD, MAX_WORDS),
        chunk=spec.chunk,
        execute=spec.execute,
        trained_on=spec.trained_on,
        action_names=ACTION_NAMES,
        normalization={n: Scale(by.center, by.scale) for n, by in normalize.items()},
        transform=(*_TRANSFORM, gripper),
        check=check,
        origin={
            "weights_sha256": description.weights_sha256,
            "dataset_sha256": description.dataset_sha256,
        },
        sha256={deploy.GRAPH: file_hash(folder / deploy.GRAPH)},
        versions={name: version(name) for name in ("torch", "onnx", "onnxruntime")},
    )


def _meaning(name: str) -> str:
    known = {
        STATE: "the measured end effector, laid out as an action",
        TOKENS: "the instruction, by the tokenizer's rule",
        ROLES: "position and two rotation columns of each role's body in the world; privileged",
    }
    if name.startswith(PICTURE):
        return f"the whole RGB picture of camera '{name.removeprefix(PICTURE)}'"
    return known[name]
