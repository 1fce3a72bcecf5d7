"""Several runs become one dataset: nothing is encoded again, every row says where it is from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from robokiln import dataset
from robokiln.cli import main
from robokiln.kiln import describe, merge
from robokiln.types import RobokilnError

SMALL = ("image_size=32", "antialias=false", "episodes=2", "workers=1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of other seeds."""
    folder = tmp_path_factory.mktemp("merge")
    for seed in (0, 1):
        assert main(["generate", *SMALL, f"seed={seed}", f"out={folder / str(seed)}"]) == 0
    return [folder / "0", folder / "1"]


@pytest.fixture(scope="module")
def merged(runs: list[Path]) -> Path:
    """Both in one, by the command line."""
    out = runs[0].parent / "both"
    assert main(["merge", str(runs[0]), str(runs[1] / "dataset"), f"out={out}"]) == 0
    return out


def test_episodes_follow_each_other_with_their_own_pictures(runs: list[Path], merged: Path) -> None:
    both, parts = dataset.open(merged / "dataset"), [dataset.open(r / "dataset") for r in runs]
    assert both.info.episodes == 4
    assert len(both) == sum(len(part) for part in parts)
    for episode in range(4):
        part, own = parts[episode // 2], episode % 2
        assert both.instructions[episode] == part.instructions[own]
        for camera in ("front", "wrist"):
            assert np.array_equal(both.video(camera, episode), part.video(camera, own))
        rows, expected = both.rows(episode), part.rows(own)
        for name in ("action", "observation.state", "subtask_index", "frame_index"):
            assert np.array_equal(rows[name], expected[name])


def test_provenance_names_the_run_of_each_row(runs: list[Path], merged: Path) -> None:
    folder = merged / "dataset" / "meta" / "robokiln"
    rows = [json.loads(line) for line in (folder / "scenes.jsonl").read_text().splitlines()]
    assert [(r["run"], r["slot"], r["episode_index"]) for r in rows] == [
        *((0, 0, 0), (0, 1, 1)),
        *((1, 0, 2), (1, 1, 3)),
    ]
    for number, run in enumerate(runs):
        kept = folder / "runs" / f"{number:02d}" / "plan.json"
        assert kept.read_bytes() == (run / "plan.json").read_bytes()


def test_a_merge_is_whole_and_repeats(
    runs: list[Path], merged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(merged)]) == 0
    assert main(["merge", *map(str, runs), f"out={merged}"]) == 0
    assert "already complete" in capsys.readouterr().out
    again = merge(runs, tmp_path / "again").dataset
    sums = "SHA256SUMS"
    assert (again / sums).read_bytes() == (merged / "dataset" / sums).read_bytes()
    assert ("merged from", "2 runs") in describe(merged)


def test_what_does_not_fit_together_is_refused(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(RobokilnError, match="at least two"):
        merge(runs[:1], out)
    copied = shutil.copytree(runs[0], tmp_path / "copy")
    with pytest.raises(RobokilnError, match="has the same unit"):
        merge([runs[0], copied], out)
    with pytest.raises(RobokilnError, match="lies inside the run"):
        merge(runs, runs[0] / "out")
    alone = shutil.copytree(runs[1] / "dataset", tmp_path / "alone")
    with pytest.raises(RobokilnError, match="without its units"):
        merge([runs[0], alone], out)
    wide = tmp_path / "wide"
    command = ["generate", *SMALL, "seed=2", f"out={wide}", "image_size=48"]
    assert main(command) == 0
    with pytest.raises(RobokilnError, match=r"cameras differ: front 48 x 48"):
        merge([runs[0], wide], out)
    damaged = wide / "units" / "slot-00000000" / "motion.npz"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(RobokilnError, match=r"motion\.npz: was changed.*robokiln repair"):
        merge([runs[0], wide], out)
    assert not out.exists()


def test_info_tells_of_a_run_and_of_its_dataset(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for where in (runs[0], runs[0] / "dataset"):
        assert main(["info", str(where)]) == 0
        said = capsys.readouterr().out
        for expected in ("episodes, frames", "2, ", "panda", "attempts", "SHA256SUMS"):
            assert expected in said
    assert main(["info", str(runs[0].parent)]) == 2
