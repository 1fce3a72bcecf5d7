"""The card says what the dataset's files, the run's receipts and an evaluation say."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from robokiln import dataset
from robokiln.cli import main
from robokiln.kiln import Plan, enter_baseline
from robokiln.kiln.energy import Energy
from robokiln.serial import from_json


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("datasheet") / "run"
    small = ("image_size=32", "antialias=false", "episodes=3", "workers=1")
    assert main(["generate", *small, f"out={out}"]) == 0
    return out


def test_the_card_tells_cost_coverage_and_gaps(run: Path) -> None:
    card = (run / "dataset" / "README.md").read_text()
    measured = json.loads((run / "measured.json").read_text())
    assert f"| CPU seconds | {measured['cpu_seconds'] / 3:.2f} | measured" in card
    assert measured["units"] == 3
    how = "estimated: 10 W" if measured["joules"] is None else "energy counters"
    assert how in card
    rows = json.loads((run / "dataset/meta/robokiln/comparison.json").read_text())
    for role in ("target", "goal"):
        assert f"| {role} | x 0.345 to 0.655, y -0.21 to 0.21 |" in card
        counted = rows[0]["coverage"][role]["counts"]
        assert sum(map(sum, counted)) + rows[0]["coverage"][role]["outside"] == 3
    assert "not validated on a real robot" in card
    assert "none yet" in card


def test_the_coverage_picture_has_a_field_for_each_bin(run: Path) -> None:
    picture = ET.fromstring((run / "dataset/meta/robokiln/coverage.svg").read_text())
    fields = [e for e in picture.iter() if e.tag.endswith("rect")]
    assert len(fields) == 1 + 2 * 5 * 5


def test_a_baseline_changes_the_card_and_nothing_else(run: Path) -> None:
    root = run / "dataset"
    before = (root / "SHA256SUMS").read_bytes()
    plan = from_json(Plan, json.loads((run / "plan.json").read_text())["configuration"])
    enter_baseline(run, plan, {"image_policy": "86/100  (95 %: 78 % to 91 %)"})
    assert "| image_policy | 86/100 (95 %: 78 % to 91 %) |" in (root / "README.md").read_text()
    assert dataset.card_is_intact(root)
    assert (root / "SHA256SUMS").read_bytes() == before
    assert main(["verify", str(run)]) == 0
    (root / "README.md").write_text("mine")
    assert main(["verify", str(run)]) == 1
    assert main(["repair", str(run)]) == 0
    assert "86/100" in (root / "README.md").read_text()


def test_a_repeated_start_is_left_out_where_the_plan_says_so(tmp_path: Path) -> None:
    out = tmp_path / "run"
    small = ("image_size=32", "antialias=false", "episodes=2", "workers=1")
    command = ["generate", *small, "compare.drop_duplicates=true", f"out={out}"]
    assert main(command) == 0
    shutil.rmtree(out / "dataset")
    shutil.rmtree(out / "units" / "slot-00000001")
    (out / "published.json").unlink()
    twin = shutil.copytree(out / "units" / "slot-00000000", out / "units" / "slot-00000001")
    manifest = json.loads((twin / "unit.json").read_text())
    (twin / "unit.json").write_text(json.dumps({**manifest, "slot": 1}))
    assert main(command) == 0
    row = json.loads((out / "dataset/meta/robokiln/comparison.json").read_text())[0]
    assert row["duplicates"] == [{"slot": 1, "of": 0}]
    assert row["dropped"] == [1]
    assert dataset.check(out / "dataset").episodes == 1
    assert (
        "| near-duplicate starts |  | 1 found | 1 left out |"
        in (out / "dataset" / "README.md").read_text()
    )
    assert main(command) == 0
    assert main(["verify", str(out)]) == 0


def test_energy_is_read_from_the_counters_of_whole_packages(tmp_path: Path) -> None:
    for name, value in (("intel-rapl:0", 900), ("intel-rapl:0:0", 5), ("intel-rapl:1", 100)):
        zone = tmp_path / name
        zone.mkdir()
        (zone / "energy_uj").write_text(f"{value}\n")
        (zone / "max_energy_range_uj").write_text("1000\n")
    energy = Energy(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("100\n")  # it came round
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("400\n")
    assert energy.joules() == pytest.approx(500e-6)
    assert Energy(tmp_path / "none").joules() is None
