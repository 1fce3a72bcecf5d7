"""The card says the facts, and the hub can parse its header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from written import FEATURES, TASKS

from robokiln.dataset import CardFacts, DatasetError, write_card

FACTS = CardFacts(
    title="stack-500",
    task="stack",
    robot="panda",
    instructions=TASKS,
    episodes=500,
    frames=48000,
    fps=20,
    looks=1,
    attempts=620,
    refusals={"grasp lost": 100, "step limit": 20},
    features=FEATURES,
    assets={"panda": "Apache-2.0 (franka_ros)"},
    commands=("robokiln generate task=stack episodes=500 seed=1",),
    gaps=("Simulation only: not validated on a real robot.",),
)


def test_card(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(bytes(2_000_000))
    write_card(tmp_path, FACTS)
    text = (tmp_path / "README.md").read_text()
    _, header, body = text.split("---\n", 2)
    parsed = yaml.safe_load(header)
    assert parsed["license"] == "apache-2.0"
    assert "LeRobot" in parsed["tags"]
    assert parsed["task_categories"] == ["robotics"]
    assert parsed["configs"] == [{"config_name": "default", "data_files": "data/*/*.parquet"}]
    for fact in (
        "500 of 620 simulated attempts were accepted (80.6%)",
        "| grasp lost | 100 |",
        "48000 (40.0 minutes at 20 Hz)",
        "| `data/` | 2.00 |",
        "robokiln generate task=stack episodes=500 seed=1",
        "not validated on a real robot",
        *TASKS,
    ):
        assert fact in body


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    write_card(tmp_path, replace(FACTS, task="a | b\n# <script>"))
    assert "| task | a \\| b # &lt;script> |" in (tmp_path / "README.md").read_text()
    with pytest.raises(DatasetError, match="license"):
        write_card(tmp_path, replace(FACTS, license="mit\nx: y"))
