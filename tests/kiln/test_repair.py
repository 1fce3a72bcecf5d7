"""Damage of every kind is named, and repaired to the recorded bytes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from robokiln.cli import main
from robokiln.kiln import Plan, generate, verify
from robokiln.types import Camera, RobokilnError
from robokiln.workers import Execution

EPISODES = 2
DATASET_FILES = [
    "data/chunk-000/file-000.parquet",
    "meta/episodes/chunk-000/file-000.parquet",
    "meta/info.json",
    "meta/stats.json",
    "meta/tasks.parquet",
    "meta/subtasks.parquet",
    "meta/robokiln/plan.json",
    "meta/robokiln/scenes.jsonl",
    "meta/robokiln/looks.jsonl",
    "meta/robokiln/units.jsonl",
    "meta/robokiln/cameras.json",
    "labels/motion/chunk-000/file-000.parquet",
    "videos/observation.images.front/chunk-000/file-000.mp4",
    "README.md",
    "SHA256SUMS",
]
UNIT_FILES = ["motion.npz", "scene.json", "unit.json", "look-0.front.mp4", "histograms.npz"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run; tests work on copies."""
    out = tmp_path_factory.mktemp("repair") / "run"
    front = Camera("front", 32, 32, 42.0, (0.98, 0.0, 0.8, 0.653, 0.653, -0.271, -0.271))
    plan = Plan("pick_place", "panda", (front,), episodes=EPISODES, antialias=False)
    assert generate(plan, out, Execution(2)).dataset is not None
    return out


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


def flip(path: Path) -> None:
    """One bit in the middle of the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def delete(path: Path) -> None:
    path.unlink()


def sums(out: Path) -> bytes:
    return (out / "dataset" / "SHA256SUMS").read_bytes()


def test_a_whole_run_has_no_problems_and_nothing_to_repair(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.name != ".lock"}
    for where in (run, run / "dataset"):
        for level in ("quick", "full"):
            assert main(["verify", str(where), f"level={level}"]) == 0
    found = verify(run, replay=1)
    assert (found.units, found.episodes, found.problems) == (EPISODES, EPISODES, ())
    assert main(["repair", str(run)]) == 0
    assert "nothing is damaged" in capsys.readouterr().out
    files = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name != ".lock"}
    assert files == {p: before[p] for p in files}


@pytest.mark.parametrize("name", DATASET_FILES)
def test_a_flipped_bit_in_the_dataset_is_named_and_repaired(
    name: str, run: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / "dataset" / name)
    assert main(["verify", str(run)]) == 1
    said = capsys.readouterr().err
    assert name in said
    assert "Traceback" not in said
    assert main(["repair", str(run)]) == 0
    assert main(["verify", str(run)]) == 0
    for file in DATASET_FILES:
        assert (run / "dataset" / file).read_bytes() == (finished / "dataset" / file).read_bytes()


@pytest.mark.parametrize("harm", [cut, delete])
@pytest.mark.parametrize("name", DATASET_FILES[:1] + DATASET_FILES[-3:])
def test_cut_and_missing_files_are_named_and_repaired(
    harm: Callable[[Path], None],
    name: str,
    run: Path,
    finished: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    harm(run / "dataset" / name)
    assert main(["verify", str(run), "level=quick"]) == 1
    assert name in capsys.readouterr().err
    assert main(["repair", str(run)]) == 0
    assert sums(run) == sums(finished)


def test_damaged_units_are_quarantined_and_made_again(
    run: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in UNIT_FILES:
        damaged = run / "units" / "slot-00000001"
        shutil.rmtree(damaged)
        shutil.copytree(finished / "units" / "slot-00000001", damaged)
        flip(damaged / name)
        assert main(["verify", str(run)]) == 1
        said = capsys.readouterr().err
        assert name in said or "slot-00000001" in said
    assert main(["repair", str(run)]) == 0
    assert sums(run) == sums(finished)
    assert [p.name for p in (run / "quarantine").iterdir()] == ["slot-00000001.damaged-0"]
    assert main(["verify", str(run)]) == 0


def test_a_missing_unit_and_a_lost_dataset_come_back(run: Path, finished: Path) -> None:
    shutil.rmtree(run / "units" / "slot-00000000")
    shutil.rmtree(run / "dataset" / "videos")
    assert "is missing" in " ".join(verify(run).problems)
    assert main(["repair", str(run)]) == 0
    assert sums(run) == sums(finished)


def test_a_dataset_alone_is_made_again_beside_itself(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = shutil.copytree(finished / "dataset", tmp_path / "alone")
    flip(alone / DATASET_FILES[0])
    assert main(["verify", str(alone)]) == 1
    assert main(["repair", str(alone)]) == 0
    assert (alone / "SHA256SUMS").read_bytes() == sums(finished)
    assert main(["verify", str(alone)]) == 0
    assert (tmp_path / "alone.repair" / "quarantine" / "alone.damaged-0").is_dir()


def test_a_damaged_plan_comes_from_the_dataset(run: Path, finished: Path) -> None:
    (run / "plan.json").write_text("{")
    assert any("plan.json" in problem for problem in verify(run).problems)
    assert main(["repair", str(run)]) == 0
    assert (run / "plan.json").read_bytes() == (finished / "plan.json").read_bytes()


def test_a_damaged_unit_of_an_unpublished_run_stays_in_quarantine(
    run: Path, finished: Path
) -> None:
    shutil.rmtree(run / "dataset")
    (run / "published.json").unlink()
    flip(run / "units" / "slot-00000001" / "motion.npz")
    assert main(["repair", str(run)]) == 0
    assert sums(run) == sums(finished)
    assert (run / "quarantine" / "slot-00000001.damaged-0" / "motion.npz").exists()


@pytest.mark.parametrize("content", ["{", '{"sha256sums": "' + "0" * 64 + '"}'])
def test_a_damaged_record_does_not_cost_an_intact_dataset(
    content: str, run: Path, finished: Path
) -> None:
    (run / "published.json").write_text(content)
    assert main(["verify", str(run)]) == 1
    assert main(["repair", str(run)]) == 0
    assert (run / "published.json").read_bytes() == (finished / "published.json").read_bytes()
    assert main(["verify", str(run)]) == 0
    assert not list((run / "quarantine").iterdir())


def test_other_bytes_than_recorded_are_never_published(run: Path) -> None:
    (run / "published.json").write_text('{"sha256sums": "' + "0" * 64 + '"}')
    flip(run / "dataset" / "meta" / "stats.json")
    assert main(["repair", str(run)]) == 1
    assert not (run / "dataset").exists()


def test_what_can_not_be_made_again_is_left_alone(run: Path) -> None:
    plan = run / "plan.json"
    plan.write_text(plan.read_text().replace('"numpy": "', '"numpy": "0.'))
    flip(run / "dataset" / "meta" / "stats.json")
    with pytest.raises(RobokilnError, match="numpy"):
        verify(shutil.copytree(run, run.with_name("other")), level="quick", replay=1)
    assert main(["repair", str(run)]) == 2
    assert (run / "dataset").exists()


def test_what_is_neither_run_nor_dataset_is_refused(tmp_path: Path) -> None:
    for where in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RobokilnError, match=r"neither a run directory|no such directory"):
            verify(where)
