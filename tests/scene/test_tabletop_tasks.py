"""Pushing, inserting and sorting: what is drawn, and what the words mean."""

from __future__ import annotations

import numpy as np
import pytest
from tabletop import CONFIGS, NEW, PANDA, sample

from robokiln.assets import footprint
from robokiln.scene import tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.language import understood
from robokiln.scene.refused import SceneRefused
from robokiln.scene.tasks.sort_by_colour import ONE_COLOR


@pytest.mark.parametrize("config", CONFIGS, ids=("seen", "unseen"))
@pytest.mark.parametrize("task", NEW)
def test_scenes_cover_their_ranges_and_nothing_overlaps(task: str, config: SceneConfig) -> None:
    specs = sample(task, config, 60)
    for role, where in tasks.get(task).ranges(PANDA, config.ranges).items():
        centres = np.array([s.bodies[s.index(s.goal[role])].pose[:2] for s in specs])
        for axis, (low, high) in zip(centres.T, (where.x, where.y), strict=True):
            assert low <= axis.min() < low + 0.2 * (high - low)
            assert high - 0.2 * (high - low) < axis.max() <= high
    for spec in specs:
        for i, a in enumerate(spec.bodies[2:]):
            for b in spec.bodies[2 : 2 + i]:
                gap = np.hypot(*np.subtract(a.pose[:2], b.pose[:2]))
                flat = "zone" in (a.shape.kind, b.shape.kind) and "object_1" in (a.name, b.name)
                assert flat or gap > footprint(a.shape) + footprint(b.shape)


@pytest.mark.parametrize("config", CONFIGS, ids=("plain", "rich"))
@pytest.mark.parametrize("task", NEW[:2])
def test_words_mean_the_target_and_the_goal_alone(task: str, config: SceneConfig) -> None:
    for seed, spec in enumerate(sample(task, config, 40)):
        rng, words = np.random.default_rng(seed), tasks.get(task).phrasings  # type: ignore[attr-defined]
        try:
            text = tasks.get(task).instruction(spec, rng, config)
            swapped = tasks.get(task).swapped(spec, rng, config).instruction
        except SceneRefused:
            continue
        meant = {role: (name,) for role, name in spec.goal.items()}
        assert understood(text, words, spec) == meant
        other = understood(swapped, words, spec)
        assert other != meant
        assert all(len(names) == 1 for names in other.values())


@pytest.mark.parametrize("config", CONFIGS, ids=("plain", "rich"))
def test_sorting_speaks_of_all_blocks_and_swapped_of_one_colour(config: SceneConfig) -> None:
    task, said = tasks.get("sort_by_colour"), set()
    for seed, spec in enumerate(sample("sort_by_colour", config, 40)):
        rng = np.random.default_rng(seed)
        text = task.instruction(spec, rng, config)
        assert understood(text, task.phrasings, spec) == {}  # type: ignore[attr-defined]
        said.add(text)
        try:
            swapped = task.swapped(spec, rng, config).instruction
        except SceneRefused:
            continue
        (goal,) = understood(swapped, ONE_COLOR, spec)["goal"]
        assert goal.startswith("container")
        blocks = [b.color for b in spec.bodies if b.name.startswith("block")]
        colors = [b.color for b in spec.bodies if b.name.startswith("container")]
        assert set(blocks) == set(colors)
        assert len(set(colors)) == 2
        assert 3 <= len(blocks) <= 4
    assert len(said) >= 3
