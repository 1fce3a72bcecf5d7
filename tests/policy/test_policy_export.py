"""An exported policy does what torch does, without torch."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_policy import SMALL
from synthetic import CONTROL_HZ
from test_policy_actor import Scene

from robokiln import deploy
from robokiln.policy import MODELS, PolicyActor, load, train
from robokiln.policy.demonstrations import Demonstrations
from robokiln.policy.export import TOLERANCE, Sample, check_constant, dataset_samples, export
from robokiln.policy.models.state import StateModel
from robokiln.policy.spec import Inputs
from robokiln.policy.words import Vocabulary
from robokiln.types import RobokilnError


class Fickle(StateModel):
    """What it computes depends on a value, which no trace can hold."""

    def forward(self, inputs: Inputs) -> torch.Tensor:
        out = super().forward(inputs)
        return out if float(inputs.position[0, 0]) > 0 else -out


@pytest.fixture(scope="session")
def exported(trained: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image policy's export."""
    out = tmp_path_factory.mktemp("export") / "onnx"
    return export(trained, out, dataset_samples(root), "its demonstrations")


def trained_as(kind: str, root: Path, out: Path, two_step: bool = False) -> Path:
    config = dataclasses.replace(SMALL, model=kind, steps=2, two_step=two_step)
    return train(root, config, out, "cpu")


def test_actions_are_those_of_torch(trained: Path, exported: Path, demos: Demonstrations) -> None:
    rows = np.arange(1, len(demos), 7)
    texts = ["", *(demos.instructions[demos.episode[row]] for row in rows[1:])]
    pictures = {name: frames.parts[0][rows] for name, frames in demos.frames.items()}
    asked = (pictures, demos.proprioception[rows], texts)
    expected, found = load(trained, "cpu").predict(*asked), deploy.load(exported).predict(*asked)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE
    assert np.abs(found[1:] - found[:-1]).max() > 1e-3


@pytest.mark.parametrize(("kind", "two_step"), [("image", True), ("state", False)])
def test_other_models(
    kind: str, two_step: bool, root: Path, demos: Demonstrations, tmp_path: Path
) -> None:
    policy = trained_as(kind, root, tmp_path / "policy", two_step)
    export(policy, tmp_path / "onnx", dataset_samples(root), "its demonstrations")
    pictures = {name: frames.parts[0][5:7] for name, frames in demos.frames.items()}
    asked = (pictures, demos.proprioception[5:7], ["put it"] * 2, demos.target_goal_pose[5:7])
    found = deploy.load(tmp_path / "onnx").predict(*asked)
    np.testing.assert_allclose(found, load(policy, "cpu").predict(*asked), atol=TOLERANCE)


def test_it_acts_in_the_loop_as_torch_does(
    trained: Path, exported: Path, demos: Demonstrations
) -> None:
    ours, theirs = deploy.PolicyActor(deploy.load(exported)), PolicyActor(load(trained, "cpu"))
    scene = Scene(demos)
    for row in range(5):
        found, expected = ours.act(scene.at(row)), theirs.act(scene.at(row))
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    assert scene.rendered == 2 * 3


def test_no_torch_is_needed(exported: Path, demos: Demonstrations, tmp_path: Path) -> None:
    np.savez(tmp_path / "seen.npz", state=demos.proprioception[:1], **{
        name: frames.parts[0][:1] for name, frames in demos.frames.items()
    })  # fmt: skip
    script = (
        "import sys, numpy as np\n"
        "from robokiln import deploy\n"
        f"seen = dict(np.load({str(tmp_path / 'seen.npz')!r}))\n"
        f"policy = deploy.load({str(exported)!r})\n"
        "state = seen.pop('state')\n"
        "print(policy.predict(seen, state, ['put the box']).tolist())\n"
        "print(sorted({'torch', 'pyarrow', 'av', 'onnx', 'robokiln.policy'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    actions, loaded = ran.stdout.splitlines()
    assert loaded == "[]"
    pictures = {name: frames.parts[0][:1] for name, frames in demos.frames.items()}
    here = deploy.load(exported).predict(pictures, demos.proprioception[:1], ["put the box"])
    np.testing.assert_allclose(json.loads(actions), here, atol=1e-6)


def test_an_export_that_differs_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "fickle", Fickle)
    policy = trained_as("fickle", root, tmp_path / "policy")
    with pytest.raises(RobokilnError, match="differs from torch by"):
        export(policy, tmp_path / "onnx", dataset_samples(root), "its demonstrations")
    assert [p.name for p in tmp_path.iterdir()] == ["policy"]


def test_what_changes_unknown_to_the_graph_is_refused(trained: Path, demos: Demonstrations) -> None:
    policy, seen = load(trained, "cpu"), []
    hook = policy.model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    for row in (0, 9):
        pictures = {name: frames.parts[0][row : row + 1] for name, frames in demos.frames.items()}
        policy.predict(pictures, demos.proprioception[row : row + 1], ["go"])
    hook.remove()
    check_constant(trained, seen)
    seen[1] = dataclasses.replace(seen[1], shown=seen[1].shown * 0.5)
    with pytest.raises(RobokilnError, match="its model reads 'shown', which changes"):
        check_constant(trained, seen)


def test_what_the_manifest_says(exported: Path, trained: Path, demos: Demonstrations) -> None:
    manifest, spec = deploy.read_manifest(exported), load(trained, "cpu").spec
    assert {p.name: p.shape for p in manifest.inputs} == {
        "observation.images.front": (1, 32, 32, 3),
        "observation.images.wrist": (1, 32, 32, 3),
        "tokens": (1, 32),
        "observation.state": (1, 10),
    }
    assert (manifest.chunk, manifest.execute) == (SMALL.chunk, SMALL.execute)
    assert manifest.trained_on == spec.trained_on == deploy.TrainedOn(CONTROL_HZ)
    assert manifest.cameras[0].crop == (4, 4, 24, 24)
    assert manifest.normalization["chunk"].scale == spec.chunk_scale.scale
    assert manifest.check.largest_difference <= TOLERANCE
    texts = [*demos.instructions, "", "The RED-box's 2nd!", "word " * 50]
    encoded = np.concatenate([manifest.tokenizer.encode(text) for text in texts])
    np.testing.assert_array_equal(encoded, Vocabulary(spec.vocabulary.words).encode(texts))


def test_foreign_files_and_pictures_are_named(
    exported: Path, demos: Demonstrations, tmp_path: Path
) -> None:
    policy = deploy.load(exported)
    state = demos.proprioception[:1]
    with pytest.raises(RobokilnError, match="camera 'front' not found; available: nothing"):
        policy.predict({"nothing": state}, state, ["go"])
    small = {name: frames.parts[0][:1, :8] for name, frames in demos.frames.items()}
    with pytest.raises(RobokilnError, match=r"camera 'front': expected uint8 \[B, 32, 32, 3\]"):
        policy.predict(small, state, ["go"])
    copy = Path(shutil.copytree(exported, tmp_path / "copy"))
    (copy / deploy.GRAPH).write_bytes((copy / deploy.GRAPH).read_bytes()[:-1])
    with pytest.raises(RobokilnError, match=r"policy\.onnx: is truncated or was changed"):
        deploy.load(copy)
    (copy / deploy.GRAPH).unlink()
    with pytest.raises(RobokilnError, match=r"policy\.onnx: is missing"):
        deploy.load(copy)
    (copy / deploy.MANIFEST).write_text('{"format": "robokiln-onnx/9"}')
    with pytest.raises(RobokilnError, match="expected the format 'robokiln-onnx/1'"):
        deploy.load(copy)


def test_out_is_never_written_over(trained: Path, root: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    samples = [Sample({}, np.zeros(10), "", np.zeros(14))]
    with pytest.raises(RobokilnError, match="already exists"):
        export(trained, tmp_path, dataset_samples(root), "x")
    with pytest.raises(RobokilnError, match="camera 'front' not found"):
        export(trained, tmp_path / "new", samples, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
