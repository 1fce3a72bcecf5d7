"""The same motions in other pictures: what changes, what doesn't, and what is refused."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rerendered import FRONT, rerender

from robokiln import dataset
from robokiln.files import file_hash
from robokiln.frames import LookConfig, SensorConfig
from robokiln.frames.sensors import ReadNoise
from robokiln.geometry import look_at
from robokiln.kiln import again, generate, open_source
from robokiln.types import Camera, RobokilnError
from robokiln.workers import Execution

DATA = "data/chunk-000/file-000.parquet"
MOTION = "labels/motion/chunk-000/file-000.parquet"


def sums(root: Path) -> dict[str, str]:
    lines = (root / "SHA256SUMS").read_text().splitlines()
    return {line.split("  ")[1]: line.split("  ")[0] for line in lines}


def test_the_same_look_and_cameras_give_the_same_bytes(original: Path, tmp_path: Path) -> None:
    before, after = sums(original), sums(rerender(original, tmp_path / "run"))
    provenance = {"meta/robokiln/plan.json"}
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == provenance
    assert set(after) - set(before) == {"meta/robokiln/lineage/00-plan.json"}
    assert after["meta/robokiln/lineage/00-plan.json"] == before["meta/robokiln/plan.json"]


def test_a_sensor_s_noise_comes_again_and_goes_with_it(original: Path, tmp_path: Path) -> None:
    noisy = {"sensors": {"wrist": SensorConfig("noisy", read=ReadNoise(200.0, 10_000.0))}}
    first = rerender(original, tmp_path / "first", episodes=1, **noisy)
    again_ = rerender(first, tmp_path / "again")
    clean = rerender(first, tmp_path / "clean", sensors={})
    video = "videos/observation.images.wrist/chunk-000/file-000.mp4"
    assert sums(first)[video] == sums(again_)[video] != sums(clean)[video]
    one = dataset.open(original).video("wrist", 0)
    assert np.array_equal(dataset.open(clean).video("wrist", 0), one)
    assert sums(first)[DATA] == sums(clean)[DATA]


def test_other_cameras_change_pictures_alone(original: Path, tmp_path: Path) -> None:
    side = Camera("side", 32, 32, 50.0, look_at((0.4, 0.9, 0.5), (0.44, 0.0, 0.02)))
    again_ = rerender(
        original, tmp_path / "run", cameras=(dataclasses.replace(FRONT, width=80), side)
    )
    before, after = sums(original), sums(again_)
    assert before[DATA] == after[DATA]
    assert before[MOTION] == after[MOTION]
    looks = "meta/robokiln/looks.jsonl"
    assert before[looks] == after[looks]
    data = dataset.open(again_)
    assert data.info.videos == ("observation.images.front", "observation.images.side")
    assert data.video("front", 1).shape[1:] == (48, 80, 3)
    assert [c.name for c in data.cameras()] == ["front", "side"]


def test_lineage_reaches_back_to_the_simulation(
    original: Path, labelled: Path, tmp_path: Path
) -> None:
    third = rerender(labelled, tmp_path / "run", looks_per_episode=1, record=())
    folder = third / "meta/robokiln"
    plans = [folder / "lineage" / f"{i:02d}-plan.json" for i in range(2)]
    ancestors = [original, labelled]
    assert [p.read_bytes() for p in plans] == [
        (a / "meta/robokiln/plan.json").read_bytes() for a in ancestors
    ]
    card = (third / "README.md").read_text()
    for ancestor in ancestors:
        assert f"`{file_hash(ancestor / 'SHA256SUMS')}`" in card
    assert "robokiln generate plan=meta/robokiln/lineage/00-plan.json out=step-0" in card
    assert "robokiln rerender dataset=step-1/dataset plan=meta/robokiln/plan.json" in card
    for name in (DATA, MOTION):
        assert sums(third)[name] == sums(original)[name]
    # The looks that a motion was given last are what "the same look" means.
    first = json.loads((labelled / "meta/robokiln/looks.jsonl").read_text().splitlines()[2])
    kept = json.loads((folder / "looks.jsonl").read_text().splitlines()[1])
    assert kept["appearance"] == first["appearance"]


def break_sums(root: Path) -> None:
    (root / DATA).write_bytes((root / DATA).read_bytes() + b"x")


def another_plan(root: Path) -> None:
    path = root / "meta/robokiln/plan.json"
    plan = json.loads(path.read_text())
    plan["configuration"]["episodes"] = 5
    path.write_text(json.dumps(plan))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "meta/robokiln/plan.json").unlink(), "plan.json is missing, so it was not"),
        (lambda d: (d / "meta/robokiln/looks.jsonl").unlink(), "looks.jsonl is missing"),
        (lambda d: shutil.rmtree(d / "labels"), r"it has no link poses \(labels/motion\)"),
        (another_plan, "not the plan of 2 episodes"),
        (break_sums, "not a complete Parquet|was changed"),
        (lambda d: (d / "SHA256SUMS").unlink(), "SHA256SUMS: is missing"),
    ],
    ids=["no plan", "no looks", "no poses", "other plan", "changed", "no sums"],
)
def test_what_cant_be_rendered_again_says_why(
    original: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    copy = Path(shutil.copytree(original, tmp_path / "copy"))
    damage(copy)
    with pytest.raises(RobokilnError, match=message):
        rerender(copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_mistakes_are_named_before_any_work(original: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RobokilnError, match=r"episodes: expected at most 2, .* got 3"):
        rerender(original, out, episodes=3)
    with pytest.raises(RobokilnError, match="record 'boxs' not found; available: boxes, depth,"):
        rerender(original, out, record=("boxs",))
    with pytest.raises(RobokilnError, match="expected each name once"):
        rerender(original, out, record=("depth", "depth"))
    tiny = (dataclasses.replace(FRONT, width=16),)
    with pytest.raises(RobokilnError, match="camera 'front': 16 x 48: depth needs more than 16"):
        rerender(original, out, record=("depth",), cameras=tiny)
    with pytest.raises(RobokilnError, match="lies inside the dataset"):
        rerender(original, original / "again")
    source = open_source(original)
    plan = again(source, dataclasses.replace(source.plan, look=LookConfig(robot_tint=0.0)))
    with pytest.raises(RobokilnError, match="robokiln rerender dataset=DIR plan=FILE"):
        generate(plan, out, Execution())
    other = rerender(original, tmp_path / "other", episodes=1)
    with pytest.raises(RobokilnError, match="not the dataset of this plan"):
        generate(plan, out, Execution(), source=other)
    assert not out.exists()
