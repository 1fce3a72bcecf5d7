"""The training loop: exact resume, refusals, and that it learns."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_policy import SMALL
from stored import write_dataset
from synthetic import demonstrations

from robokiln.policy import TrainConfig, TrainProgress, load, train
from robokiln.policy.demonstrations import Demonstrations
from robokiln.policy.fit import fit_spec
from robokiln.policy.loader import Loader
from robokiln.policy.log import read_log
from robokiln.policy.models import build_model
from robokiln.policy.pictures import Joined
from robokiln.policy.spec import Inputs, Labels, center_offsets
from robokiln.policy.text import READS
from robokiln.policy.training import fit, fresh_state, step
from robokiln.policy.vision import CameraEncoder
from robokiln.types import Array, RobokilnError

CPU = torch.device("cpu")


def stop_at(step: int) -> object:
    def progress(state: TrainProgress) -> None:
        if state.step == step:
            raise KeyboardInterrupt

    return progress


def test_stopped_training_continues_to_the_same_bits(
    root: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for stop in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            train(root, SMALL, out, "cpu", stop_at(stop))
    assert not (out / "policy.json").exists()
    steps: list[int] = []
    train(root, SMALL, out, "cpu", lambda state: steps.append(state.step))
    assert steps == [3, 4]
    for name in ("policy.safetensors", "policy.json", "checkpoint/state.safetensors"):
        assert (out / name).read_bytes() == (trained / name).read_bytes(), name
    assert [line["step"] for line in read_log(out, 99)] == [4]


def test_a_finished_run_is_recognised_and_left_alone(root: Path, trained: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*")}
    assert train(root, SMALL, trained, "cpu") == trained
    assert before == {p: p.stat().st_mtime_ns for p in trained.rglob("*")}
    assert (trained / "loss.png").stat().st_size > 10_000


def test_another_configuration_is_refused(root: Path, trained: Path) -> None:
    with pytest.raises(RobokilnError, match=r"another training run \(seed: 0 there, 1 now\)"):
        train(root, replace(SMALL, seed=1), trained, "cpu")


def test_a_foreign_directory_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RobokilnError, match="holds no training run"):
        train(root, SMALL, tmp_path, "cpu")


def test_a_damaged_checkpoint_is_named(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(root, SMALL, out, "cpu", stop_at(2))
    path = out / "checkpoint" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RobokilnError, match=r"state\.safetensors: is damaged"):
        train(root, SMALL, out, "cpu")


def test_wrong_inputs_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(RobokilnError, match="model 'imagge' not found; available: image, state"):
        train(root, replace(SMALL, model="imagge"), tmp_path / "a", "cpu")
    with pytest.raises(RobokilnError, match="is not a LeRobot dataset"):
        train(tmp_path / "none", SMALL, tmp_path / "b", "cpu")
    with pytest.raises(RobokilnError, match=r"policy\.steps: expected at least 1, got 0"):
        replace(SMALL, steps=0)
    with pytest.raises(RobokilnError, match="device 'tpu' not found"):
        train(root, SMALL, tmp_path / "c", "tpu")


def test_a_loss_that_is_not_finite_stops_training(demos: Demonstrations, tmp_path: Path) -> None:
    config = replace(SMALL, model="state", learning_rate=1e30, clip=1e30, steps=20)
    with pytest.raises(RobokilnError, match="the loss is not finite"):
        fit(replace(demos, cameras=((),), frames={}), config, tmp_path, CPU, "")


def chunk_error(policy_dir: Path, data: Demonstrations, rows: Array) -> float:
    """Mean distance (m) of predicted from demonstrated positions over the executed steps."""
    policy = load(policy_dir, "cpu")
    chunk = policy.predict(
        {name: frames.parts[0][rows] for name, frames in data.frames.items()},
        data.proprioception[rows],
        [data.instructions[e] for e in data.episode[rows]],
        data.target_goal_pose[rows],
    )
    truth = data.action[data.chunk_rows(rows, policy.chunk)]
    error = np.linalg.norm((chunk - truth)[:, : policy.execute, :3], axis=-1)
    return float(error.mean())


def test_the_image_policy_overfits_eight_samples(tmp_path: Path) -> None:
    data = demonstrations(8, seed=7, size=48, every=8)
    rows = data.bounds[:, 0] + 1
    few = replace(
        data,
        frames={name: Joined([frames.parts[0][rows]]) for name, frames in data.frames.items()},
        proprioception=data.proprioception[rows],
        action=data.action[rows],
        target_goal_pose=data.target_goal_pose[rows],
        stands=data.stands[rows],
        thrown=data.thrown[rows],
        shown=data.shown[rows],
        bounds=np.stack([np.arange(8), np.arange(8) + 1], -1),
    )
    config = TrainConfig(
        "image", steps=120, width=32, batch_size=8, warmup_steps=5, ema=0.9, place_noise=0.0
    )
    fit(few, config, tmp_path, CPU, "")
    moved = np.linalg.norm(few.action[:, :3] - few.proprioception[:, :3], axis=-1).mean()
    assert chunk_error(tmp_path, few, np.arange(8)) < 0.1 * moved


def test_the_state_policy_learns_the_task_in_seconds(tmp_path: Path) -> None:
    """The canary: where even the true poses can't be learned from, data or transforms are wrong."""
    data = demonstrations(60, seed=8, size=16, every=4)
    data = replace(data, cameras=((),), frames={})
    config = TrainConfig("state", steps=400, width=128, batch_size=128, chunk=4, execute=4)
    fit(data, config, tmp_path, CPU, "")
    held_out = replace(demonstrations(10, seed=9, size=16, every=4), cameras=((),), frames={})
    rows = np.arange(len(held_out))
    truth = held_out.action[held_out.chunk_rows(rows, 4)][..., :3]
    moved = np.linalg.norm(truth - held_out.proprioception[:, None, :3], axis=-1).mean()
    assert chunk_error(tmp_path, held_out, rows) < 0.35 * moved


def test_training_in_half_precision_keeps_weights_in_full(root: Path, tmp_path: Path) -> None:
    train(root, replace(SMALL, precision="bfloat16"), tmp_path / "half", "cpu")
    train(root, replace(SMALL, precision="float32"), tmp_path / "full", "cpu")
    half, full = (read_log(tmp_path / name, 99)[-1] for name in ("half", "full"))
    assert half["loss"] != full["loss"]
    assert half["loss"] == pytest.approx(full["loss"], rel=0.05)
    dtypes = {p.dtype for p in load(tmp_path / "half", "cpu").model.parameters()}
    assert dtypes == {torch.float32}


def test_fine_pictures_are_looked_at_coarsely_and_then_finely(demos: Demonstrations) -> None:
    rows, (front, *others) = np.arange(2), demos.cameras[0]
    fine = replace(front, height=192, width=208)
    spec = replace(fit_spec(demos, SMALL), cameras=(fine, *others))
    assert [spec.shrink(camera) for camera in spec.cameras[:2]] == [2, 1]
    height, width = spec.crop(fine)
    assert height % 16 == width % 16 == 0
    inputs, labels = Loader(demos, fit_spec(demos, SMALL), SMALL).gather(
        rows, center_offsets(fit_spec(demos, SMALL), 2), np.random.default_rng(0)
    )
    pictures = torch.randint(0, 256, (2, height, width, 3), dtype=torch.uint8)
    inputs = replace(inputs, images={**inputs.images, front.name: pictures})
    model = build_model(spec)
    assert model(inputs).shape == (2, SMALL.chunk, 10)
    view = model.look(inputs).views[front.name]
    assert view.logits.shape[-1] == 1 + (height // 8) * (width // 8)
    losses = model.losses(inputs, labels)
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_half_precision_does_not_round_pixels() -> None:
    torch.manual_seed(0)
    eye, pictures, read = (
        CameraEncoder(8, 32, 64, 32, (128, 128)),
        torch.rand(4, 3, 128, 128),
        torch.randn(4, READS, 8),
    )
    with torch.autocast("cpu", torch.bfloat16):
        view = eye(pictures, read)
    for pixels in (view.close.keypoints, view.free):
        halves = 2 * pixels.float()
        assert (halves != halves.round()).float().mean() > 0.9


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(
    demos: Demonstrations, tmp_path: Path
) -> None:
    """The loss may still be finite when its gradient is not."""
    config = replace(SMALL, checkpoint_every=1, steps=2)
    spec = fit_spec(demos, config)
    state = fresh_state(spec, config, CPU)
    before = {k: v.clone() for k, v in state.model.state_dict().items()}

    def objective(inputs: Inputs, labels: Labels) -> dict[str, torch.Tensor]:
        weight = next(state.model.parameters())
        return {"loss": (weight * 0).abs().sum().sqrt()}  # finite, with a gradient of 0 / 0

    loader = Loader(demos, spec, config)
    with pytest.raises(RobokilnError, match="step 1: the gradient is not finite"):
        step(state, loader, config, CPU, objective)
    assert all(torch.equal(before[k], v) for k, v in state.model.state_dict().items())


def test_tensorboard_gets_what_the_log_gets(root: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    train(root, SMALL, out, "cpu", tensorboard=True)
    events = EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    line = read_log(out, 99)[-1]
    scalar = events.Scalars("loss")[-1]
    assert (scalar.step, scalar.value) == (4, pytest.approx(line["loss"], rel=1e-4))


def test_one_policy_learns_from_several_datasets(root: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "d", tmp_path, demonstrations(2, seed=9, size=32, every=6))
    out = train([root, other], SMALL, tmp_path / "run", "cpu")
    words = load(out, "cpu").spec.vocabulary.words
    alone = train(root, SMALL, tmp_path / "one", "cpu")
    assert set(words) > set(load(alone, "cpu").spec.vocabulary.words)
    with pytest.raises(RobokilnError, match="another training run"):
        train([other, root], SMALL, out, "cpu")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_model_learns_the_same(root: Path, tmp_path: Path) -> None:
    for name, compiled in (("eager", False), ("compiled", True)):
        train(root, replace(SMALL, compile=compiled), tmp_path / name, "cpu")
    eager, compiled_ = (read_log(tmp_path / n, 99)[-1]["loss"] for n in ("eager", "compiled"))
    assert compiled_ == pytest.approx(eager, rel=1e-3)
