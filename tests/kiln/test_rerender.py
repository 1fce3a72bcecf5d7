"""The same motions in other pictures: what changes, what doesn't, and what is refused."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from robokiln import dataset
from robokiln.files import file_hash
from robokiln.frames import LookConfig, SensorConfig
from robokiln.frames.sensors import ReadNoise
from robokiln.geometry import look_at, project, quat_to_matrix
from robokiln.kiln import Plan, again, generate, open_source
from robokiln.policy.demonstrations import read_demonstrations
from robokiln.policy.roles import SHOWN
from robokiln.serial import from_json
from robokiln.types import Array, Body, Camera, RobokilnError, SceneSpec
from robokiln.workers import Execution

FRONT = Camera("front", 64, 48, 42.0, look_at((0.98, 0.0, 0.8), (0.44, 0.0, 0.02)))
WRIST = Camera("wrist", 48, 48, 75.0, (0.07, 0.0, 0.03, 0.0, 0.2, 0.0, 0.98), "panda_hand")
DATA = "data/chunk-000/file-000.parquet"
MOTION = "labels/motion/chunk-000/file-000.parquet"
LABELS = ("depth", "segmentation", "boxes")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated demonstrations; read only."""
    out = tmp_path_factory.mktemp("original") / "run"
    plan = Plan("pick_place", "panda", (FRONT, WRIST), episodes=2, seed=3, antialias=False)
    made = generate(plan, out, Execution()).dataset
    assert made is not None
    return made


def rerender(root: Path, out: Path, **changes: object) -> Path:
    """`root` in other pictures."""
    source = open_source(root)
    plan = again(source, dataclasses.replace(source.plan, **changes))  # type: ignore[arg-type]
    made = generate(plan, out, Execution(), source=root).dataset
    assert made is not None
    return made


@pytest.fixture(scope="module")
def labelled(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every motion in two looks of another seed, with all labels; read only."""
    out = tmp_path_factory.mktemp("labelled") / "run"
    return rerender(original, out, seed=11, looks_per_episode=2, record=LABELS)


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


def test_looks_of_a_motion_differ_in_color_alone(labelled: Path) -> None:
    data = dataset.open(labelled)
    assert data.slots().tolist() == [0, 0, 1, 1]
    assert data.task_families() == ["pick_place"] * 4
    assert not np.array_equal(data.video("front", 0), data.video("front", 1))
    for camera in ("front", "wrist"):
        first, second = data.labels(2), data.labels(3)
        assert np.array_equal(first.segmentation(camera), second.segmentation(camera))
        assert np.array_equal(first.boxes(camera).box, second.boxes(camera).box)
        ids, pixels = first.segmentation(camera), first.pixels(camera)
        for body in range(pixels.shape[1]):
            assert np.array_equal(pixels[:, body], (ids == 1 + body).sum(axis=(1, 2)))
        assert np.array_equal(data.depth(camera, 2), data.depth(camera, 3))
    rows, others = data.rows(2), data.rows(3)
    assert np.array_equal(rows["action"], others["action"])


def test_a_policy_learns_what_the_pictures_show(labelled: Path) -> None:
    data, learned = dataset.open(labelled), read_demonstrations([labelled])
    scenes = (labelled / "meta/robokiln/scenes.jsonl").read_text().splitlines()
    for episode, line in enumerate(scenes):
        spec = from_json(SceneSpec, json.loads(line)["spec"])
        rows = slice(*learned.bounds[episode])
        for i, camera in enumerate((FRONT, WRIST)):
            pixels = data.labels(episode).pixels(camera.name)
            least = max(1, SHOWN * camera.width * camera.height)
            for role, name in enumerate(("target", "goal")):
                body = spec.index(spec.goal[name])
                assert learned.bodies[episode, role] == body
                shown = learned.shown[rows, i, body]
                np.testing.assert_array_equal(shown, pixels[:, 1 + body] >= least)
    target = learned.shown[np.arange(len(learned)), :, learned.bodies[learned.episode, 0]]
    assert 0 < target[:, 1].mean() < 1, "the wrist's camera sees it, but not all along"


def test_pictures_without_labels_are_no_lesson(labelled: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(labelled, tmp_path / "bare")
    shutil.rmtree(bare / "labels")
    with pytest.raises(RobokilnError, match="label 'cameras' was not recorded; available: none"):
        read_demonstrations([bare])


def points(labels: dataset.StoredLabels, depth: Array, camera: str, t: int) -> Array:
    """Where each pixel's surface is in the world: [H, W, 3]."""
    fx, fy, cx, cy = labels.intrinsics(camera)[t]
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]] + 0.5
    local = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], -1) * depth[..., None]
    pose = labels.camera_pose(camera)[t]
    return local @ quat_to_matrix(pose[3:]).T + pose[:3]


def bodies_of(root: Path, episode: int) -> tuple[Body, ...]:
    line = (root / "meta/robokiln/scenes.jsonl").read_text().splitlines()[episode]
    return from_json(SceneSpec, json.loads(line)["spec"]).bodies


def check_agreement(root: Path, episode: int, camera: str) -> None:
    """Depth, segments, lens and poses agree: each body's pixels lie around the body."""
    data, seen = dataset.open(root), 0
    labels, bodies = data.labels(episode), bodies_of(root, episode)
    centers = labels.link_poses()[:, -len(bodies) :, :3]
    ids, depth = labels.segmentation(camera), data.depth(camera, episode)
    for t in range(0, len(ids), 6):
        surface = points(labels, depth[t], camera, t)
        assert np.abs(np.median(surface[ids[t] == 3][:, 2])) < 0.005  # the table's top
        for i in range(2, len(bodies)):
            mine = ids[t] == 2 + i
            seen += mine.sum()
            away = np.linalg.norm(surface[mine] - centers[t, i], axis=-1)
            assert (away < max(bodies[i].shape.size.values()) + 0.01).all()
    assert seen > 500


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_labels_are_those_of_the_scene(labelled: Path, camera: str) -> None:
    check_agreement(labelled, 0, camera)


def test_a_look_that_moves_cameras_says_where_they_were(original: Path, tmp_path: Path) -> None:
    look = LookConfig(camera_shift=0.05, mount_shift=0.01, camera_turn=5.0, camera_zoom=0.1)
    moved = rerender(
        original, tmp_path / "run", look=look, episodes=1, looks_per_episode=2, record=LABELS
    )
    data = dataset.open(moved)
    first, second = data.labels(0), data.labels(1)
    for camera in ("front", "wrist"):
        assert not np.allclose(first.camera_pose(camera), second.camera_pose(camera), atol=1e-3)
        assert not np.allclose(first.intrinsics(camera), second.intrinsics(camera), atol=0.1)
        for episode in (0, 1):
            check_agreement(moved, episode, camera)
    larger = tuple(
        dataclasses.replace(c, width=2 * c.width, height=2 * c.height) for c in (FRONT, WRIST)
    )
    again_ = dataset.open(rerender(moved, tmp_path / "again", cameras=larger, record=())).labels(1)
    assert np.array_equal(again_.camera_pose("wrist"), second.camera_pose("wrist"))
    assert np.allclose(again_.intrinsics("wrist"), 2 * second.intrinsics("wrist"), rtol=1e-6)


def test_centers_project_into_their_segments(labelled: Path) -> None:
    labels, bodies = dataset.open(labelled).labels(0), bodies_of(labelled, 0)
    ids, checked = labels.segmentation("front")[0], 0
    for i in range(2, len(bodies)):
        y, x = np.nonzero(ids == 2 + i)
        center = labels.link_poses()[0, i - len(bodies), :3]
        at = project(FRONT, labels.camera_pose("front")[0], center)[:2]
        if len(x) > 4:
            checked += 1
            spread = np.array([np.ptp(x), np.ptp(y)])
            assert (np.abs(at - (x.mean() + 0.5, y.mean() + 0.5)) < 0.25 * spread + 1).all()
    assert checked >= 2


def test_boxes_bound_what_is_visible(labelled: Path) -> None:
    labels = dataset.open(labelled).labels(3)
    ids, boxes = labels.segmentation("wrist"), labels.boxes("wrist")
    seen = boxes.pixels > 0
    bodies = 1 + len(bodies_of(labelled, 3))
    assert seen.sum() == sum(len(np.unique(i[(i > 0) & (i <= bodies)])) for i in ids)
    for row in range(0, len(boxes.frame), 5):
        y, x = np.nonzero(ids[boxes.frame[row]] == boxes.id[row])
        assert boxes.pixels[row] == len(x)
        if len(x):
            assert boxes.box[row].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert (boxes.amodal_box[seen, :2] <= boxes.box[seen, :2]).all()
    assert (boxes.amodal_box[seen, 2:] >= boxes.box[seen, 2:]).all()
    assert (boxes.visibility <= 1).all()
    assert boxes.visibility[boxes.id == 3].min() < 0.95  # things stand on the table


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
