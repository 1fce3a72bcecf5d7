"""A user's mistake: exit code 2, the offender, a suggestion; no traceback and nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from robokiln.cli import main

MISTAKES = [
    ("generat", "did you mean 'generate'"),
    ("generate episods=3", "did you mean 'episodes'"),
    ("generate episodes", "expected key=value"),
    ("generate task=pick_plase", "did you mean 'pick_place'"),
    ("generate task.name=stack", "available: close_drawer"),
    ("generate robot=pand", "did you mean 'panda'"),
    ("generate cameras=front", "did you mean 'front_wrist'"),
    ("generate look=rnadom", "did you mean 'random'"),
    ("generate look.lihgts=[1,1]", "did you mean 'look.lights'"),
    ("generate look.robot_tint=red", "expected a number, got 'red'"),
    ("generate look.light_warmth=[5,5]", "look.light_warmth: expected -1 to 1"),
    ("generate look.roughness=[3,3]", "look.roughness: expected 0 to 1"),
    ("generate sensor=d453", "did you mean 'd435'"),
    ("generate sensor.jpge=null", "did you mean 'sensor.jpeg'"),
    ("generate sensor=webcam sensor.jpeg.quality=120", "quality of 1 to 95, got 120"),
    ("generate sensor=webcam sensor.lens.k1=-9", "folds the picture over"),
    ("generate sensors.frnt=d435", "did you mean 'front'"),
    ("generate sensors.front=d453", "did you mean 'd435'"),
    ("generate sensors=d435", "sensors: expected a mapping, got 'd435'"),
    ("generate force_noise.wrist_force=-1", "force_noise.wrist_force: expected 0 or more"),
    ("evaluate sensor=webcm", "did you mean 'webcam'"),
    ("evaluate scene.objects=strange", "scene.objects: expected seen or unseen or unseen_shapes"),
    ("evaluate scene.friction=[2,1]", "scene.friction: expected [low, high] above 0"),
    ("evaluate episode.latency=-1", "episode.latency: expected 0 or more, got -1"),
    ("robustness", "image_policy or state_policy: expected a trained policy's directory"),
    ("robustness image_policy=nowhere", "nowhere is not a directory"),
    ("robustness axis=[light]", "did you mean 'axes'"),
    ("evaluate scenes.image_policy=null", "scenes.image_policy: expected a whole number, got None"),
    ("improve scenes.state_policy=null", "scenes.state_policy: expected a whole number, got None"),
    ("compare one", "compare: expected two, got 1"),
    ("compare a=[one]", "'b' is missing"),
    ("compare one two", "one: no evaluation; rollouts.jsonl is missing"),
    ("compare one two a=three", "a: expected a list like [a,b], got 'three'"),
    ("generate episodes=many", "expected a whole number, got 'many'"),
    ("generate episodes=-3", "expected at least 1, got -3"),
    ("generate workers=0", "expected at least 1, got 0"),
    ("generate executor=rya", "executor 'rya' not found; did you mean 'ray'"),
    ("generate ray_adress=auto", "did you mean 'ray_address'"),
    ("generate ray_address=auto", "ray_address: has a meaning with executor=ray only"),
    ("generate executor=ray ray_address=ray://a:1", "expected HOST:PORT or auto"),
    ("generate deadline_s=0", "deadline_s: expected at least 1, got 0"),
    ("generate memory_mb=lots", "memory_mb: expected a whole number, got 'lots'"),
    ("generate memory_mb=5", "memory_mb: expected at least 100, got 5"),
    ("evaluate executor=dask", "executor 'dask' not found; available: local, ray"),
    ("generate seed=4294967296", "seed: expected 0 to 4294967295"),
    ("generate image_size=33", "even width and height"),
    ("generate codec=h265", "available: av1, h264"),
    ("generate seed=1,2", "expected key=value with one value"),
    ("generate +episodes=2", "expected key=value with one value"),
    ("generate plan=nowhere.json", "nowhere.json"),
    ("generate plan=nowhere.json seed=3", "'seed=3': with plan=FILE only"),
    ("generate record=[depht]", "record 'depht' not found; available: boxes, depth, segmentation"),
    ("generate record=depth", "record: expected a list like [a,b], got 'depth'"),
    (
        "generate record=[boxes] sensor=webcam",
        "has a lens that distorts, amodal boxes are those of",
    ),
    ("rerender nowhere sensor=d455", "did you mean 'd435'"),
    ("rerender", "'dataset' is missing: robokiln rerender dataset=DIR"),
    ("rerender nowhere", "nowhere: is not a directory"),
    ("rerender nowhere lok=plain", "did you mean 'look'"),
    ("rerender nowhere look=pain", "did you mean 'plain'"),
    ("rerender nowhere seed=soon", "seed: expected a whole number, got 'soon'"),
    ("rerender nowhere plan=x.json look=plain", "with plan=FILE only dataset, out, workers, exec"),
    ("show nowhere beside=elsewhere", "nowhere: is not a directory"),
    ("train", "'datasets' is missing: robokiln train DIR [DIR ...]"),
    ("train dataset=nowhere", "nowhere: is not a directory"),
    ("train dataset=nowhere policy=imag", "available: medium, small, state, xs"),
    ("train dataset=nowhere policy.steps=0", "policy.steps: expected at least 1, got 0"),
    ("train dataset=nowhere polcy.steps=0", "did you mean 'policy.steps'"),
    ("evaluate image_policy=nowhere", "nowhere"),
    ("evaluate scenes.expert=0", "expected at least 1, got 0"),
    ("generate look.textures.table=[wod]", "texture 'wod' not found; available: blotches"),
    ("generate look.light_families=[moon]", "family 'moon' not found; available: evening"),
    ("looks look=ritch", "did you mean 'rich'"),
    ("looks cuont=3", "did you mean 'count'"),
    ("looks count=0", "count: expected at least 1, got 0"),
    ("looks look.table_value=[0.9,0.1]", "look.table_value: expected [low, high] in this order"),
    ("assets cuont=3", "did you mean 'count'"),
    ("assets count=0", "count: expected at least 1, got 0"),
    ("assets out=assets.jpg", "assets.jpg: expected a .png file"),
    ("export", "'out' is missing: robokiln export out=DIR"),
    ("export out=x", "'policy' or 'dataset' is missing"),
    ("export out=x policy=nowhere", "policy: nowhere is not a directory"),
    ("export out=x policy=nowhere format=robomimic", "a policy is exported as onnx"),
    ("export nowhere out=x", "'format' is missing; available: lerobot21, robomimic"),
    ("export nowhere out=x format=rlds", "available: lerobot21, robomimic"),
    ("export nowhere out=x format=lerobot21", "nowhere: is not a directory"),
    ("export out=x polcy=nowhere", "did you mean 'policy'"),
    ("export out=x policy=3", "policy: 3 is not a directory"),
    ("show dataset=nowhere", "nowhere: is not a directory"),
    ("run recipe=quick", "did you mean 'quickstart'"),
    ("run policy_image.stepz=5", "key 'stepz' not found; available: batch_size"),
    ("generate episode.max_step=5", "key 'max_step' not found; available: acceleration"),
    ("generate episode.speed=fast", "episode.speed: expected float, got 'fast'"),
    ("run policy@policy_image=stat", "did you mean 'state'"),
    ("doctor now=1", "takes no arguments"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths of the command lines lead into an empty directory."""
    monkeypatch.chdir(tmp_path)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the refused command printed."""
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("robokiln: ")
    return said


@pytest.mark.parametrize(("line", "expected"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_mistyped(
    line: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in error_of(capsys, *line.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--help",
        "run --help",
        "rerender --help",
        "train -h",
        "looks --help",
        "assets -h",
        "export --help",
        "doctor --help",
    ],
)
def test_help(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 0
    assert "robokiln" in capsys.readouterr().out


def test_a_directory_of_someone_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    said = error_of(capsys, "generate", "out=mine")
    assert "not a run directory" in said
    assert "thesis.txt" in said
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_another_plan_is_refused_key_by_key(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = error_of(capsys, "generate", f"out={finished}", "episodes=4", "image_size=32")
    assert "episodes: there 3, now 4" in said
    assert "antialias: there false, now true" in said
    assert "seed" not in said


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A dataset that may be damaged."""
    return Path(shutil.copytree(finished / "dataset", tmp_path / "dataset"))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda d: cut(d / "data/chunk-000/file-000.parquet"), "file-000.parquet"),
        (
            lambda d: cut(d / "videos/observation.images.front/chunk-000/file-000.mp4"),
            "file-000.mp4",
        ),
        (lambda d: set_version(d, "v2.1"), "v2.1"),
        (lambda d: set_version(d, "v4.0"), "v4.0"),
        (lambda d: (d / "meta/info.json").unlink(), "not a LeRobot dataset"),
    ],
    ids=["cut table", "cut video", "older version", "newer version", "no info"],
)
def test_damaged_datasets_are_named(
    damage: Callable[[Path], None],
    expected: str,
    copied: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(copied)
    assert expected in error_of(capsys, "train", f"dataset={copied}")


def test_what_cant_be_rendered_again(
    finished: Path, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = str(finished / "dataset")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("years of work")
    assert "not a run directory" in error_of(capsys, "rerender", source, "out=taken")
    assert "begun with another plan" in error_of(capsys, "rerender", source, f"out={finished}")
    assert "not a plan.json" in error_of(capsys, "rerender", source, f"plan={source}/README.md")
    own = f"plan={source}/meta/robokiln/plan.json"
    assert "simulates; `robokiln generate plan=FILE`" in error_of(capsys, "rerender", source, own)
    assert "episodes: expected at most 3" in error_of(capsys, "rerender", source, "episodes=9")
    assert "even width and height" in error_of(capsys, "rerender", source, "image_size=33")
    shutil.rmtree(copied / "labels")
    assert "it has no link poses" in error_of(capsys, "rerender", str(copied))
    assert "not a LeRobot dataset" in error_of(capsys, "rerender", str(finished))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset", "taken"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def set_version(root: Path, version: str) -> None:
    info = json.loads((root / "meta/info.json").read_text())
    (root / "meta/info.json").write_text(json.dumps({**info, "codebase_version": version}))


def test_tampered_policies_are_named(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "policy"
    small = ("policy=state", "policy.steps=1", "policy.width=32")
    assert main(["train", f"dataset={finished / 'dataset'}", f"out={out}", *small]) == 0
    capsys.readouterr()
    weights = out / "policy.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "policy.safetensors" in error_of(capsys, "evaluate", f"state_policy={out}")
    weights.unlink()
    assert "policy.safetensors" in error_of(capsys, "evaluate", f"state_policy={out}")


def test_a_policy_is_not_shown_pictures_of_another_size(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "policy"
    small = ("policy=small", "policy.steps=1", "policy.width=16", "policy.batch_size=2")
    assert main(["train", f"dataset={finished / 'dataset'}", f"out={out}", *small]) == 0
    capsys.readouterr()
    said = error_of(capsys, "evaluate", f"image_policy={out}")
    assert "was 32 x 32 in training and is 96 x 96 here" in said
    assert not (tmp_path / "out").exists()


ONE_SCENE = [f"scenes.{row}=1" for row in ("noop", "random", "expert", "state_policy")]


def test_a_policy_is_not_asked_for_actions_at_another_rate(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, small = tmp_path / "policy", ("policy=state", "policy.steps=1", "policy.width=32")
    assert main(["train", f"dataset={finished / 'dataset'}", f"out={policy}", *small]) == 0
    capsys.readouterr()
    asked = (
        "evaluate",
        f"state_policy={policy}",
        f"out={tmp_path / 'out'}",
        "workers=1",
        *ONE_SCENE,
    )
    said = error_of(capsys, *asked, "episode.control_hz=10")
    assert "learned 20 actions a second and would give 10 here" in said
    assert not (tmp_path / "out").exists()
    assert main([*asked, "task=lift"]) == 0
    assert "never saw the task 'lift'; it learned from pick_place" in capsys.readouterr().err
