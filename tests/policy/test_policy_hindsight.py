"""Other instructions for a recorded scene: unambiguous, true, and never acted on."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from robokiln.policy.hindsight import LACKING, alternatives, lacking, stands_instead
from robokiln.policy.roles import ROLES, SCENES, named, read_scenes, roles_of, stand_of
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.serial import to_json
from robokiln.types import Array, RobokilnError, SceneSpec

WITH_ALTERNATIVES = ("pick_place", "lift", "stack_two", "stack_three", "open_drawer", "insert_peg")


def scenes(task: str, count: int) -> tuple[list[SceneSpec], tuple[str, ...]]:
    made, texts = [], []
    known, robot, config = tasks.get(task), robots.get("panda"), SceneConfig()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        made.append(known.sample(rng, robot, config))
        texts.append(known.instruction(made[-1], rng, config))
    return made, tuple(texts)


def own_stands(spec: SceneSpec) -> Array:
    stands = np.zeros((len(ROLES), 6))
    for role, index in roles_of(spec).items():
        body = spec.bodies[index]
        stands[ROLES.index(role)] = stand_of(body, np.array(body.pose))
    return stands


@pytest.mark.parametrize("task", WITH_ALTERNATIVES)
def test_alternatives_name_other_bodies_where_they_stand(task: str) -> None:
    specs, texts = scenes(task, 30)
    found = alternatives(specs, texts)
    assert sum(map(len, found)) > 10
    for spec, text, others in zip(specs, texts, found, strict=True):
        by_color = {
            body.color: stand_of(body, np.array(body.pose)) for body in spec.bodies if body.color
        }
        own = own_stands(spec)
        for other in others:
            assert other.instruction != text
            said = [w for w in other.instruction.split() if w in by_color]
            assert len(set(said)) == len(said)
            stands = stands_instead(other, own)
            told = np.array([by_color[color] for color in said])
            colored = {r: i for r, i in roles_of(spec).items() if spec.bodies[i].color}
            assert len(set(colored.values())) == len(said)
            bodies = other.instead(np.zeros(len(ROLES), int))
            for role in colored:
                assert spec.bodies[bodies[ROLES.index(role)]].color in said
                stand = stands[ROLES.index(role)]
                assert np.linalg.norm(told - stand, axis=1).min() < 1e-9


@pytest.mark.parametrize("task", WITH_ALTERNATIVES)
def test_what_is_lacking_is_named_and_nowhere(task: str) -> None:
    specs, texts = scenes(task, 20)
    known = {body.color for spec in specs for body in spec.bodies if body.color}
    found = lacking(specs, texts)
    assert sum(map(bool, found)) > 5  # some say a color twice, and are left alone
    for spec, text, others in zip(specs, texts, found, strict=True):
        there = {body.color for body in spec.bodies}
        for other in others:
            before, after = (known & set(t.split()) for t in (text, other.instruction))
            assert len(after) == len(before), "one thing is called something else, the rest stays"
            (gone,) = after - before
            assert gone not in there
            (role, *_) = (r for r, b in zip(ROLES, other.bodies, strict=True) if b == LACKING)
            assert spec.bodies[roles_of(spec)[role]].color in before - after


def test_alternatives_never_name_one_body_for_two_roles() -> None:
    specs, texts = scenes("stack_two", 20)
    for spec, others in zip(specs, alternatives(specs, texts), strict=True):
        for other in others:
            stands = stands_instead(other, own_stands(spec))
            assert np.linalg.norm(stands[0, :3] - stands[1, :3]) > 0.01


def test_what_moves_with_an_own_role_stays_with_it() -> None:
    specs, texts = scenes("stack_two", 10)
    spec, others = specs[0], alternatives(specs[:1], texts[:1])[0]
    moved = own_stands(spec) + 0.5
    colors = [spec.bodies[roles_of(spec)[role]].color for role in ("target", "goal")]
    swap = next(
        o for o in others if [w for w in o.instruction.split() if w in colors][::-1] == colors
        or o.stands[:2] == (1, 0)
    )  # fmt: skip
    np.testing.assert_array_equal(stands_instead(swap, moved)[:2], moved[[1, 0]])


def test_only_what_the_words_tell_apart_counts_as_named() -> None:
    for task, expected in (("stack_three", [1, 1, 1]), ("lift", [1, 1, 0]), ("sort_by_colour", 0)):
        for spec, text in zip(*scenes(task, 5), strict=True):
            np.testing.assert_array_equal(named(spec, text), np.broadcast_to(expected, 3))


def test_scenes_of_another_dataset_are_refused(tmp_path: Path) -> None:
    assert read_scenes(tmp_path, 2) == []
    path = tmp_path / SCENES
    path.parent.mkdir(parents=True)
    _write(path, scenes("lift", 3)[0])
    assert len(read_scenes(tmp_path, 3)) == 3
    with pytest.raises(RobokilnError, match="3 scenes for 2"):
        read_scenes(tmp_path, 2)
    path.write_text("{}\n")
    with pytest.raises(RobokilnError, match=r"scenes\.jsonl"):
        read_scenes(tmp_path, 3)


def _write(path: Path, specs: Sequence[SceneSpec]) -> None:
    path.write_text("".join(json.dumps({"spec": to_json(s)}) + "\n" for s in specs))


def test_words_that_more_than_color_gives_sense_are_left_alone() -> None:
    specs, texts = scenes("pick_place", 30)
    odd = []
    for spec, text in zip(specs, texts, strict=True):
        target = spec.bodies[spec.index(spec.goal["target"])]
        odd.append(text.replace(f"{target.color} ", "leftmost "))
    odd[1] = texts[1] + " left of the red box"
    assert any(alternatives(specs, texts))
    assert not any(alternatives(specs, odd))
