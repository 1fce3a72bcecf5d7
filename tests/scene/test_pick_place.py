"""What pick_place draws: its ranges, its words, and that a scene says all there is to know."""

import re

import numpy as np
import pytest

from robokiln.assets import footprint
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.language import NOUNS
from robokiln.scene.layout import Area, Item, place
from robokiln.scene.objects import is_a
from robokiln.scene.refused import SceneRefused
from robokiln.types import SceneSpec

TASK = tasks.get("pick_place")
AREA = TASK.ranges(robots.get("panda"), "D0")["target"]


def draw(seed: int) -> SceneSpec:
    return TASK.sample(np.random.default_rng(seed), robots.get("panda"), SceneConfig())


SPECS = [draw(seed) for seed in range(300)]


def test_counts_and_roles() -> None:
    for spec in SPECS:
        kinds = [b.shape.kind for b in spec.bodies[2:]]
        containers = [b for b in spec.bodies[2:] if is_a(b.shape, "container")]
        assert 1 <= len(containers) <= 2
        assert 2 <= len(kinds) - len(containers) <= 5
        assert is_a(spec.bodies[spec.index(spec.goal["target"])].shape, "target")
        assert is_a(spec.bodies[spec.index(spec.goal["goal"])].shape, "goal")


@pytest.mark.parametrize("role", ["target", "goal"])
def test_centres_cover_the_whole_area(role: str) -> None:
    centres = np.array([s.bodies[s.index(s.goal[role])].pose[:2] for s in SPECS])
    cells = np.floor((centres - [AREA.x[0], AREA.y[0]]) / [0.31 / 3, 0.42 / 4]).astype(int)
    counts = np.zeros((3, 4), int)
    np.add.at(counts, tuple(cells.T), 1)
    assert AREA.x[1] - AREA.x[0] >= 0.30
    assert AREA.y[1] - AREA.y[0] >= 0.40
    assert counts.min() >= 300 / 12 / 3
    yaws = [2 * np.arctan2(s.bodies[2].pose[5], s.bodies[2].pose[6]) for s in SPECS]
    assert np.ptp(yaws) > 6


def test_nothing_overlaps() -> None:
    for spec in SPECS:
        free = spec.bodies[2:]
        for i, a in enumerate(free):
            for b in free[:i]:
                gap = np.hypot(*np.subtract(a.pose[:2], b.pose[:2]))
                assert gap > footprint(a.shape) + footprint(b.shape)


def test_every_phrase_names_one_target_and_one_goal() -> None:
    said = set()
    for seed, spec in enumerate(SPECS):
        words = TASK.instruction(spec, np.random.default_rng(seed), SceneConfig())
        names = [f"{b.color} {NOUNS[b.shape.kind][0]}" for b in spec.bodies[2:]]
        assert len(set(names)) == len(names)
        target, goal = (spec.bodies[spec.index(spec.goal[r])] for r in ("target", "goal"))
        pattern = f"{target.color} {NOUNS[target.shape.kind][0]}.*{goal.color} {goal.shape.kind}"
        assert re.search(pattern, words)
        said.add(words.split(" the ")[0])
    assert len(said) >= 5


def test_swapped_words_name_another_object() -> None:
    for seed, spec in enumerate(SPECS):
        swapped = TASK.swapped(spec, np.random.default_rng(seed), SceneConfig())
        target = spec.bodies[spec.index(spec.goal["target"])]
        assert swapped.goal == spec.goal
        assert swapped.bodies == spec.bodies
        assert f"{target.color} " not in swapped.instruction


def test_the_same_seed_gives_the_same_scene() -> None:
    assert draw(5) == SPECS[5]
    assert draw(5) != SPECS[6]


def test_no_room_is_a_reason() -> None:
    items = [Item(0.2, 0.1, Area((0.3, 0.4), (0.0, 0.1)))] * 2
    with pytest.raises(SceneRefused, match="no room"):
        place(np.random.default_rng(0), items)
