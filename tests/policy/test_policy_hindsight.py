"""Other instructions for a recorded scene: unambiguous, true, and never acted on."""

import json
from pathlib import Path

import numpy as np
import pytest

from robokiln.policy.hindsight import SCENES, positions, read_alternatives
from robokiln.scene import robots, tasks
from robokiln.serial import to_json
from robokiln.types import RobokilnError, SceneSpec

TASK = tasks.get("pick_place")


def scenes(count: int) -> list[SceneSpec]:
    return [
        TASK.sample(np.random.default_rng(seed), robots.get("panda"), ()) for seed in range(count)
    ]


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, list[SceneSpec], tuple[str, ...]]:
    specs = scenes(40)
    texts = tuple(TASK.instruction(s, np.random.default_rng(i)) for i, s in enumerate(specs))
    path = tmp_path / SCENES
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps({"spec": to_json(s)}) + "\n" for s in specs))
    return tmp_path, specs, texts


def test_alternatives_name_other_bodies_where_they_stand(
    recorded: tuple[Path, list[SceneSpec], tuple[str, ...]],
) -> None:
    root, specs, texts = recorded
    alternatives = read_alternatives(root, texts)
    assert sum(map(len, alternatives)) > 80
    for spec, text, found in zip(specs, texts, alternatives, strict=True):
        by_color = {body.color: body for body in spec.bodies if body.color}
        own = np.array([spec.bodies[spec.index(spec.goal[r])].pose[:3] for r in ("target", "goal")])
        assert text not in [a.instruction for a in found]
        for alternative in found:
            said = [w for w in alternative.instruction.split() if w in by_color]
            assert len(said) == 2
            expected = np.array([by_color[color].pose[:3] for color in said])
            np.testing.assert_array_equal(positions(alternative, own), expected)


def test_without_scenes_there_are_none(tmp_path: Path) -> None:
    assert read_alternatives(tmp_path, ("a", "b")) == ((), ())


def test_scenes_of_another_dataset_are_refused(
    recorded: tuple[Path, list[SceneSpec], tuple[str, ...]],
) -> None:
    root, _, texts = recorded
    with pytest.raises(RobokilnError, match="40 scenes for 39"):
        read_alternatives(root, texts[:-1])
    (root / SCENES).write_text("{}\n")
    with pytest.raises(RobokilnError, match=r"scenes\.jsonl"):
        read_alternatives(root, texts)
