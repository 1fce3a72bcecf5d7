"""Templates of instructions, and what an instruction says of a scene."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from small_scenes import AROUND, BOWL, draw, scene, thing

from robokiln.assets import COLORS
from robokiln.scene.language import Phrasings, describe, into, understood
from robokiln.types import RobokilnError

PUT = Phrasings(
    seen=("put the {target} {into} the {goal}", "{into} the {goal} goes the {target}"),
    held_out=("the {goal} is where you put the {target}, {into} it",),
)


def test_instructions_are_understood_whichever_way_they_are_put() -> None:
    for seed in range(300):
        spec, rng = draw(seed, len(COLORS)), np.random.default_rng(seed)
        target, goal = spec.bodies[1], spec.bodies[2]
        words = {"target": describe(spec, "b0", rng, True), "goal": describe(spec, "b1", rng, True)}
        text = PUT.choose(rng, seed % 2 == 0).format(into=into(goal.shape.kind), **words)
        assert understood(text, PUT, spec) == {"target": (target.name,), "goal": (goal.name,)}


def test_doubtful_and_foreign_instructions_are_found() -> None:
    spec = scene(BOWL, thing("a", color="red"), thing("b", color="green", at=(0.5, 0.3)))
    text = "put the box into the bowl"
    assert understood(text, PUT, spec) == {"target": ("a", "b"), "goal": ("bowl",)}
    assert understood("put the red box into the red bowl", PUT, spec)["goal"] == ()
    for wrong in ("eat the red box", "put the red box under the bowl", "put the red box"):
        with pytest.raises(RobokilnError, match=f"'{wrong}' is in none of the phrasings"):
            understood(wrong, PUT, spec)


def test_a_body_named_twice_is_the_same_one() -> None:
    stack = Phrasings(("put the {a} on the {b} and the {c} on the {a}",), ("{a} {b} {c}",))
    spec = scene(*(thing(c, color=c) for c in ("red", "blue", "pink")))
    text = "put the red box on the blue box and the pink box on the {} box"
    assert understood(text.format("red"), stack, spec)["c"] == ("pink",)
    with pytest.raises(RobokilnError, match="none of the phrasings"):
        understood(text.format("blue"), stack, spec)


def test_plural_words_name_no_single_body() -> None:
    sort = Phrasings(("sort the {objects} by color",), ("tidy up the {objects}",))
    assert understood("sort the balls by color", sort, AROUND) == {}
    with pytest.raises(RobokilnError, match="none of the phrasings"):
        understood("sort the red ball by color", sort, AROUND)


def test_templates_are_drawn_evenly_and_held_out_ones_apart() -> None:
    rng = np.random.default_rng(0)
    for held_out, templates in ((False, PUT.seen), (True, PUT.held_out)):
        drawn = Counter(PUT.choose(rng, held_out) for _ in range(600))
        assert set(drawn) == set(templates)
        assert min(drawn.values()) > 0.8 * 600 / len(templates)


@pytest.mark.parametrize(
    ("seen", "held_out", "message"),
    [
        (("lift the {target}",), ("lift the {target}",), "there twice"),
        (("lift the {target}",), ("raise the {goal}",), "placeholders"),
        (("lift the {target}", "lift it"), ("raise the {target}",), "placeholders"),
        (("lift the {target}",), (), "at least one"),
    ],
)
def test_wrong_templates_are_refused(
    seen: tuple[str, ...], held_out: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RobokilnError, match=message):
        Phrasings(seen, held_out)
