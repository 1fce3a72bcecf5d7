"""Every gate of pictures refuses its defect, planted in really rendered ones; refused attempts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from gated import GATES, OFF, PLAN, changed, repeated

from robokiln.cli.compose import compose
from robokiln.cli.rerender import rerender_plan
from robokiln.frames import Capture, sample_look
from robokiln.frames.renderer import scene_cameras
from robokiln.kiln import Plan, again, generate, open_source
from robokiln.kiln.gates import GateConfig
from robokiln.kiln.picture_gates import check_pictures
from robokiln.kiln.rundir import make_folders
from robokiln.kiln.unit import Job, make_unit, simulate, unit_name
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.types import Array, Episode, Frames
from robokiln.workers import Execution


@pytest.fixture(scope="module")
def episode() -> Episode:
    """A demonstration that every gate lets through."""
    return simulate(PLAN, slot=0, attempt=0)


@pytest.fixture(scope="module")
def frames(episode: Episode) -> dict[str, Frames]:
    """Its pictures; nobody may change them in place."""
    look = sample_look(episode.spec, np.random.default_rng(0), PLAN.look)
    draws = sensor_draws(Domain.ROBUSTNESS, 0, 0, 0)
    return Capture(episode.spec, look, {}, draws).frames(episode.link_poses)


def picture_reason(
    episode: Episode, frames: dict[str, Frames], config: GateConfig = GATES, **changed: Frames
) -> str:
    shown = {**frames, **changed}
    cameras = episode.spec.cameras
    return check_pictures(episode.spec, cameras, episode.link_poses, shown, config)


def test_pictures_of_a_demonstration_pass(episode: Episode, frames: dict[str, Frames]) -> None:
    assert picture_reason(episode, frames) == ""


def with_rgb(frames: Frames, rgb: Array) -> Frames:
    return dataclasses.replace(frames, rgb=rgb)


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_frozen_pictures_are_refused(
    episode: Episode, frames: dict[str, Frames], camera: str
) -> None:
    rgb = frames[camera].rgb
    for count, reason in ((4, ""), (5, f"gate: frozen frames: {camera}")):
        stuck = with_rgb(frames[camera], changed(rgb, slice(10, 10 + count), rgb[10]))
        assert picture_reason(episode, frames, **{camera: stuck}) == reason
    assert picture_reason(episode, frames, OFF, **{camera: stuck}) == ""


def test_pictures_of_what_stands_still_are_not_frozen(
    episode: Episode, frames: dict[str, Frames]
) -> None:
    held = repeated(episode, 30, 8)
    rows = np.insert(np.arange(len(episode)), 30, [30] * 8)
    shown = {
        name: dataclasses.replace(f, rgb=f.rgb[rows], segmentation=f.segmentation[rows])
        for name, f in frames.items()
    }
    assert picture_reason(held, shown) == ""


def test_black_and_blank_pictures_are_refused(episode: Episode, frames: dict[str, Frames]) -> None:
    wrist = frames["wrist"]
    black = with_rgb(wrist, changed(wrist.rgb, 20, wrist.rgb[20] // 32))
    assert picture_reason(episode, frames, wrist=black) == "gate: black frames: wrist"
    blank = with_rgb(wrist, changed(wrist.rgb, 20, 128 + wrist.rgb[20] // 128))
    assert picture_reason(episode, frames, wrist=blank) == "gate: blank frames: wrist"
    for broken in (black, blank):
        assert picture_reason(episode, frames, OFF, wrist=broken) == ""


def test_missing_pictures_are_refused(episode: Episode, frames: dict[str, Frames]) -> None:
    front = frames["front"]
    for rgb in (front.rgb[:-1], front.rgb[:, :-2], front.rgb.astype(np.float32)):
        reason = picture_reason(episode, frames, front=with_rgb(front, rgb))
        assert reason == "gate: missing pictures: front"


def test_a_target_that_no_camera_sees_is_refused(
    episode: Episode, frames: dict[str, Frames]
) -> None:
    target = 2 + episode.spec.index(episode.spec.goal["target"])
    hidden = {
        name: dataclasses.replace(
            f, segmentation=np.where(f.segmentation == target, 3, f.segmentation)
        )
        for name, f in frames.items()
    }
    assert picture_reason(episode, frames, **hidden) == "gate: target unseen"
    assert picture_reason(episode, frames, OFF, **hidden) == ""
    for name in hidden:
        others = {k: v for k, v in hidden.items() if k != name}
        assert picture_reason(episode, frames, **others) == ""


def test_a_refused_attempt_is_followed_by_the_next(tmp_path: Path, episode: Episode) -> None:
    """Its first attempt's deepest contact is a little too deep, the second's is not."""
    depths = [simulate(PLAN, slot, 0).penetration.max() for slot in range(6)]
    seconds = [simulate(PLAN, slot, 1).penetration.max() for slot in range(6)]
    slot = next(i for i in range(6) if depths[i] > seconds[i])
    between = float(depths[slot] + seconds[slot]) / 2
    plan = dataclasses.replace(PLAN, gates=dataclasses.replace(GATES, penetration_m=between))
    make_folders(tmp_path)
    receipt = make_unit(Job(plan, tmp_path, slot))
    assert (receipt.accepted, receipt.refusals) == (1, ("gate: penetration",))
    unit = tmp_path / "units" / unit_name(slot)
    assert json.loads((unit / "refusals.json").read_text()) == ["gate: penetration"]
    assert json.loads((unit / "unit.json").read_text())["attempt"] == 1


def test_a_look_refused_late_leaves_nothing(tmp_path: Path) -> None:
    """Black-level thresholds that the first look passes and the second does not."""
    plan = dataclasses.replace(PLAN, looks_per_episode=2, max_attempts=1)
    make_folders(tmp_path)
    for slot in range(12):
        means = [darkest(plan, slot, index) for index in range(2)]
        if means[0] > means[1] + 1:
            break
    assert means[0] > means[1]
    gates = dataclasses.replace(GATES, black_mean=sum(means) / 2)
    receipt = make_unit(Job(dataclasses.replace(plan, gates=gates), tmp_path, slot))
    assert receipt.accepted is None
    assert len(receipt.refusals) == 1
    assert receipt.refusals[0].startswith("gate: black frames: ")
    assert not [*(tmp_path / "staging").iterdir(), *(tmp_path / "units").iterdir()]


def darkest(plan: Plan, slot: int, index: int) -> float:
    episode = simulate(plan, slot, 0)
    rng = generator(Domain.TRAINING, plan.seed, slot, 0, Stream.LOOK, index)
    look = sample_look(episode.spec, rng, plan.look)
    cameras = scene_cameras(episode.spec, look)
    draws = sensor_draws(Domain.TRAINING, plan.seed, slot, 0, index)
    shown = Capture(episode.spec, look, {}, draws, cameras=cameras).frames(episode.link_poses)
    return float(min(p.mean() for f in shown.values() for p in f.rgb))


def test_a_rerendering_keeps_the_gates_of_its_source(tmp_path: Path) -> None:
    """A stored motion has no other attempt: a refused look gives its slot up."""
    made = generate(PLAN, tmp_path / "first", Execution()).dataset
    assert made is not None
    source = open_source(made)
    for choice, kept in (([], GATES), (["gates=off"], OFF)):
        asked = compose("rerender", [f"dataset={made}", *choice])
        assert rerender_plan(asked, made).gates == kept
    strict = dataclasses.replace(GATES, black_mean=255.0)
    plan = again(source, dataclasses.replace(source.plan, gates=strict))
    result = generate(plan, tmp_path / "second", Execution(), source=made)
    assert result.dataset is None
    assert list(result.quarantined) == [unit_name(0)]
    facts = json.loads((tmp_path / "second/quarantine" / f"{unit_name(0)}.json").read_text())
    assert facts["refusals"] == ["gate: black frames: front"]
    assert facts["reason"] == "its motion was refused: gate: black frames: front"
