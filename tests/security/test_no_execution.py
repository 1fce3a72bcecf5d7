"""No way from data to code: what the sources may not contain, and `_target_` by any road."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import DEEP, edit_json, refusal

import robokiln
from robokiln.files import read_arrays
from robokiln.frames import read_calibration
from robokiln.serial import from_json, parse_json
from robokiln.types import Camera, RobokilnError

SOURCE = Path(robokiln.__file__).parent
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "pickle.load"),
    *("pickle.loads", "instantiate", "hydra.utils.instantiate", "hydra.utils.call"),
    *("json.load", "np.fromfile", "torch.jit.load", "torch.hub.load"),
}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "hydra.utils", "runpy"}
PARSER = "serial.py"
"""The one file that calls json.loads: parse_json knows about nesting."""


def offences(tree: ast.AST, place: str) -> Iterator[str]:
    """What a file does that is forbidden."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            dotted = {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
            yield from sorted(dotted & (MODULES | FORBIDDEN))
        elif isinstance(node, ast.Call):
            yield from _call(node, place)


def _call(node: ast.Call, place: str) -> Iterator[str]:
    name = ast.unparse(node.func)
    given = {k.arg: ast.unparse(k.value) for k in node.keywords}
    if name in FORBIDDEN or (name == "json.loads" and place != PARSER):
        yield name
    if name in ("np.load", "numpy.load") and given.get("allow_pickle") != "False":
        yield f"{name} without allow_pickle=False"
    if given.get("allow_pickle") == "True" or given.get("shell") == "True":
        yield name


OWN = {"policy/log.py", "report/journal.py", "cli/journey.py", "kiln/assembly.py"}
OWN |= {"kiln/generate.py", "kiln/runlog.py", "kiln/unit.py"}
"""Files whose JSON this same run directory wrote, by plain json.loads."""


def test_no_source_can_execute_data() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        allowed = {"json.loads"} if place in OWN else set()
        here = set(offences(ast.parse(path.read_text()), place)) - allowed
        if here:
            found[place] = here
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import torch; torch.load(f, weights_only=False)",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "yaml.load(f, Loader)",
        "eval('1')",
        "exec('1')",
        "os.system('ls')",
        "from hydra.utils import instantiate",
        "subprocess.run(x, shell=True)",
        "json.loads(text)",
    ],
)
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert list(offences(ast.parse(text), "anywhere.py"))


TARGET = "_target_=os.system"


@pytest.mark.parametrize(
    "argument",
    [
        *(f"look.{TARGET}", f"+look.{TARGET}", f"++x.{TARGET}", f"+x.{TARGET}", TARGET),
        *(f"episode.{TARGET}", f"sensors.{TARGET}", f"cameras.cameras.0.{TARGET}"),
        *("look={_target_:os.system}", "sensors={_target_:os.system,_args_:[ls]}"),
        *("episode={_target_:os.system}", "hydra.launcher._target_=os.system"),
        *("hydra/launcher=basic", "--config-dir=/tmp"),
    ],
)
def test_a_target_on_the_command_line_is_refused(
    argument: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.system", lambda _: (tmp_path / "executed").touch())
    refusal(capsys, "generate", "episodes=1", argument)
    assert not list(tmp_path.iterdir())


def test_a_target_for_the_trainer_is_refused(
    victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    said = refusal(capsys, "train", f"dataset={victim}", f"out={out}", f"policy.{TARGET}")
    assert "'_target_' not found" in said
    assert not out.exists()


def test_a_target_in_a_file_is_refused_by_name(
    victim: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"_target_": "os.system", "_args_": ["false"]}
    edit_json(victim / "meta/robokiln/cameras.json", {"0/_target_": "os.system"})
    said = refusal(capsys, "train", f"dataset={victim}", f"out={tmp_path / 'a'}")
    assert "cameras.json[0]: key '_target_' not found" in said
    edit_json(policy / "policy.json", {"spec/_target_": "os.system"})
    said = refusal(capsys, "evaluate", f"state_policy={policy}", f"out={tmp_path / 'b'}")
    assert "policy.json.spec: key '_target_' not found" in said
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"format": "robokiln-plan-1", "configuration": bad}))
    said = refusal(capsys, "generate", f"plan={plan}", f"out={tmp_path / 'c'}")
    assert "'_args_' not found" in said or "'_target_' not found" in said
    calibration = tmp_path / "calibration.yaml"
    calibration.write_text("_target_: os.system\nimage_width: 32\n")
    with pytest.raises(RobokilnError, match="'image_height' is missing"):
        read_calibration(calibration)
    assert not [p for p in "abc" if (tmp_path / p).exists()]


@pytest.mark.parametrize("content", ["robokiln-plan-0", "robokiln-plan-2", None, ["x"]])
def test_plans_of_other_formats_are_refused(
    content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"format": content, "configuration": {}}))
    said = refusal(capsys, "generate", f"plan={plan}", f"out={tmp_path / 'out'}")
    assert "plan.json: expected the format 'robokiln-plan-1', got" in said


@pytest.mark.parametrize("text", [DEEP, '{"a":' * 100_000, "1" * 5000, "\udcff", "{", ""])
def test_json_bombs_are_value_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|too deeply|limit|Expect|surrogate|codec|digits"):
        parse_json(text)


@pytest.mark.parametrize("fov", [float("nan"), float("inf"), 10**400, "x" * 10**6, [[[[]]]]])
def test_numbers_that_are_none_are_refused_in_one_short_line(fov: object) -> None:
    camera = {"name": "a", "width": 32, "height": 32, "fov": fov, "pose": [0, 0, 0, 0, 0, 0, 1]}
    with pytest.raises(RobokilnError, match=r"camera\.fov: expected") as refused:
        from_json(Camera, camera, "camera")
    assert len(str(refused.value)) < 200


def test_merge_keys_cannot_fill_the_memory(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 24)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    with pytest.raises(RobokilnError, match=r"bomb.yaml: .*merge keys"):
        read_calibration(tmp_path / "bomb.yaml")


@pytest.mark.parametrize("value", ["1" + "0" * 400, ".inf", "1" + "0" * 20])
def test_huge_numbers_of_a_calibration_are_refused(tmp_path: Path, value: str) -> None:
    zeros = ", 0" * 8
    for width, first in ((value, "1"), ("32", value)):
        file = tmp_path / "huge.yaml"
        file.write_text(
            f"image_width: {width}\nimage_height: 32\ncamera_matrix: [{first}{zeros}]\n"
        )
        with pytest.raises(RobokilnError, match=r"huge.yaml: \w+: expected"):
            read_calibration(file)


HUGE = [
    ("episodes", 10**30),
    ("looks_per_episode", 10**12),
    ("image_size", 10**9),
    ("workers", 10**9),
    ("episode.max_steps", 10**12),
    ("episode.physics_hz", 10**12),
]


@pytest.mark.parametrize(("key", "value"), HUGE, ids=[key for key, _ in HUGE])
def test_huge_counts_are_refused_before_any_work(
    key: str, value: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, "generate", f"{key}={value}", f"out={tmp_path / 'out'}")
    assert f"{key}: expected at most" in said
    assert not (tmp_path / "out").exists()


def test_an_archive_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(10**6))
    assert read_arrays(tmp_path / "zeros.npz")["a"].shape == (10**6,)
    monkeypatch.setattr("robokiln.files.MAX_ARRAYS", 10**6)
    with pytest.raises(RobokilnError, match=r"zeros.npz: .*unpacks to"):
        read_arrays(tmp_path / "zeros.npz")
