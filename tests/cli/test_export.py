"""`robokiln export` from end to end, on a run of the command line's own."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest

from robokiln import deploy
from robokiln.cli import main
from robokiln.cli.compose import compose
from robokiln.cli.evaluate import check_policies
from robokiln.cli.settings import evaluation
from robokiln.types import RobokilnError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_datasets_keep_names_units_and_scenes(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = finished / "dataset"
    for kind in ("lerobot21", "robomimic"):
        out = tmp_path / kind
        assert main(["export", str(source), f"format={kind}", f"out={out}"]) == 0
        kept = out / "meta/robokiln"
        for name in ("scenes.jsonl", "plan.json", "cameras.json"):
            assert (kept / name).read_bytes() == (source / "meta/robokiln" / name).read_bytes()
        columns = json.loads((kept / "columns.json").read_text())
        assert columns["observation.joint_position"]["unit"] == "rad"
        assert columns["action"]["names"][:3] == ["x", "y", "z"]
        card = (out / "README.md").read_text()
        assert card.startswith("---\nlicense: apache-2.0")
        assert ("data/*/*.parquet" in card) == (kind == "lerobot21")
        assert "franka_ros" in card
    with h5py.File(tmp_path / "robomimic/demos.hdf5") as file:
        actions = file["data/demo_0/actions"]
        assert list(actions.attrs["names"])[-1] == "gripper"
        assert actions.attrs["unit"] == "m; rotation columns; opening in [0, 1]"
        assert json.loads(file["data"].attrs["env_args"])["env_name"] == "pick_place"
    assert "left out" in capsys.readouterr().out


def trained(finished: Path, tmp_path: Path) -> Path:
    out = tmp_path / "policy"
    small = ("policy=small", "policy.steps=1", "policy.width=16", "policy.batch_size=2")
    assert main(["train", f"dataset={finished / 'dataset'}", f"out={out}", *small]) == 0
    return out


def test_a_policy_is_checked_on_the_dataset_given(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, out = trained(finished, tmp_path), tmp_path / "onnx"
    command = ["export", f"policy={policy}", f"dataset={finished / 'dataset'}", f"out={out}"]
    assert main(command) == 0
    check = deploy.read_manifest(out).check
    assert (check.source, check.samples) == ("dataset", 3 * 4 + 3)
    assert "differs from torch" in capsys.readouterr().out
    with pytest.raises(RobokilnError, match=r"onnx: camera 'front' was .* set image_size"):
        check_policies(
            {"image_policy": out}, evaluation(compose("evaluate", ["image_size=48"]), {})
        )
    assert main(command) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.slow
def test_a_policy_alone_is_checked_on_rendered_scenes(finished: Path, tmp_path: Path) -> None:
    policy, out = trained(finished, tmp_path), tmp_path / "onnx"
    assert main(["export", f"policy={policy}", f"out={out}"]) == 0
    assert deploy.read_manifest(out).check.samples > 10
