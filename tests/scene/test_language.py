"""A phrase names one body and nothing else, and what is doubtful counts as doubtful."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from small_scenes import AROUND, TABLE, draw, scene, thing

from robokiln.assets import COLORS
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.language import (
    CUBE,
    NOUNS,
    denotes,
    describe,
)
from robokiln.scene.language.describe import FORMS
from robokiln.scene.language.words import QUANTITY, WORDS, parse
from robokiln.scene.refused import SceneRefused
from robokiln.types import Body, RobokilnError, SceneSpec


def form_of(phrase: str) -> str:
    """The key of FORMS under which a phrase falls, by its words."""
    said = parse(phrase)
    if said.modifier:
        return "size" if QUANTITY[said.modifier][0] in ("volume", "height") else "place"
    if said.relation:
        return "relation" if said.landmark else "place"
    return "plain"


@pytest.mark.parametrize("rich", [False, True])
def test_what_is_said_means_that_body_alone(rich: bool) -> None:
    forms: Counter[str] = Counter()
    for seed in range(1000):
        spec = draw(seed)
        for body in spec.bodies[1:]:
            try:
                phrase = describe(spec, body.name, np.random.default_rng(seed), rich)
            except SceneRefused as refusal:
                forms[str(refusal).split(":")[0]] += 1
                continue
            assert denotes(phrase, spec) == (body.name,), phrase
            assert set(phrase.split()) <= WORDS
            forms[form_of(phrase)] += 1
    total = forms.total()
    assert forms["language"] < 0.05 * total, forms
    assert set(forms) == {*FORMS, "language"}
    if rich:
        assert all(forms[form] > 0.04 * total for form in FORMS), forms
    else:
        assert forms["plain"] > 0.6 * total, forms


def rivals(spec: SceneSpec, body: Body) -> list[Body]:
    """The others of the same kind, whatever their colour."""
    return [b for b in spec.bodies[1:] if b.shape.kind == body.shape.kind and b != body]


def holds_clearly(phrase: str, spec: SceneSpec, body: Body) -> bool:
    """Whether phrases of place and relation that say no colour hold by the margins promised."""
    x, y = body.pose[:2]
    for word, sign in (("leftmost", 1), ("rightmost", -1)):
        if phrase.startswith(word):
            return all(sign * (y - b.pose[1]) >= 0.04 for b in rivals(spec, body))
    away = {b.name: float(np.hypot(*b.pose[:2])) for b in (body, *rivals(spec, body))}
    own = away.pop(body.name)
    if phrase.endswith("the robot"):
        near = "nearest" in phrase or "closest" in phrase
        return all((a - own if near else own - a) >= 0.03 for a in away.values())
    landmark = next(
        b for b in spec.bodies if b.name == denotes(phrase.rpartition(" the ")[2], spec)[0]
    )
    dx, dy = x - landmark.pose[0], y - landmark.pose[1]
    angles = {"left of": 90, "right of": -90, "behind": 0, "in front of": 180}
    for words, angle in angles.items():
        if words in phrase:
            turned = np.hypot(dx, dy) * np.exp(1j * (np.arctan2(dy, dx) - np.radians(angle)))
            return bool(turned.real >= 0.04 and abs(turned.imag) <= turned.real + 1e-9)
    return True


def test_places_and_relations_hold_by_clear_margins() -> None:
    checked: Counter[str] = Counter()
    for seed in range(1000):
        spec = draw(seed, len(COLORS))
        body = spec.bodies[1]
        phrase = describe(spec, "b0", np.random.default_rng(seed), True)
        if form_of(phrase) in ("place", "relation") and not parse(phrase).color:
            assert holds_clearly(phrase, spec, body), phrase
            checked[parse(phrase).relation or parse(phrase).modifier] += 1
    assert len(checked) == 12, checked


@pytest.mark.parametrize("rich", [False, True])
def test_distinct_colors_are_never_refused(rich: bool) -> None:
    for seed in range(500):
        spec = draw(seed, len(COLORS))
        for body in spec.bodies[1:]:
            phrase = describe(spec, body.name, np.random.default_rng(seed), rich)
            assert denotes(phrase, spec) == (body.name,)
            assert rich or phrase == f"{body.color} {NOUNS[body.shape.kind][0]}"
            # Where the colour is enough, whatever else is said goes without it.
            assert form_of(phrase) == "plain" or not parse(phrase).color


def test_the_same_rng_gives_the_same_words_and_plain_words_draw_nothing() -> None:
    spec = draw(3, len(COLORS))
    said = [describe(spec, "b0", np.random.default_rng(7), True) for _ in range(3)]
    assert len(set(said)) == 1
    assert len({describe(spec, "b0", np.random.default_rng(s), True) for s in range(50)}) > 5
    rng = np.random.default_rng(7)
    describe(spec, "b0", rng, False)
    assert rng.random() == np.random.default_rng(7).random()


def test_words_for_real_scenes_are_as_they_were() -> None:
    task, robot = tasks.get("pick_place"), robots.get("panda")
    for seed in range(100):
        spec = task.sample(np.random.default_rng(seed), robot, SceneConfig())
        text = task.instruction(spec, np.random.default_rng(seed), SceneConfig())
        for role in ("target", "goal"):
            assert f"the {describe(spec, spec.goal[role], np.random.default_rng(0), False)}" in text


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("box left of the blue bowl", ("left",)),
        ("box to the left of the bowl", ("left",)),
        ("box right of the blue bowl", ("right",)),
        ("box behind the blue bowl", ("behind",)),
        ("box in front of the blue bowl", ("before",)),
        ("leftmost box", ("left",)),
        ("the rightmost box", ("right",)),
        ("box nearest the robot", ("before",)),
        ("box closest to the robot", ("before",)),
        ("box farthest from the robot", ("behind",)),
        ("box nearest the blue bowl", ("left", "right", "behind", "before")),
        ("box", ("left", "right", "behind", "before")),
        ("red box", ("left", "right", "behind", "before")),
        ("box left of the red bowl", ()),
        ("red bowl", ()),
        ("bowl", ("bowl",)),
        ("bowl behind the box", ("bowl",)),
        ("bowl behind the leftmost box", ()),
        ("box nearest the leftmost box", ("behind", "before")),
        ("box farthest from the leftmost box", ("right",)),
    ],
)
def test_directions_are_the_robots_own(phrase: str, expected: tuple[str, ...]) -> None:
    assert denotes(phrase, AROUND) == expected


def test_a_phrase_for_two_means_two() -> None:
    """What the check of instructions is for: each of these is a mistake to be found."""
    red, blue = thing("a", color="red"), thing("b", color="blue")
    assert denotes("box", scene(red, blue)) == ("a", "b")
    assert denotes("red box", scene(red, thing("b", color="red"))) == ("a", "b")
    assert denotes("box", scene(red, TABLE)) == ("a",)
    # A body without a colour of its own may come out red.
    assert denotes("red box", scene(red, thing("b"))) == ("a", "b")
    spec = scene(red, thing("b", color="blue", at=(0.5, 0.01)))
    assert denotes("leftmost box", spec) == ("a", "b")
    assert denotes("box nearest the robot", spec) == ("a", "b")


@pytest.mark.parametrize(
    ("sides", "phrase", "expected"),
    [
        ((0.03, 0.04), "large box", ("b",)),
        ((0.03, 0.04), "smaller box", ("a",)),
        ((0.03, 0.032), "big box", ("a", "b")),
        ((0.03, 0.05, 0.06), "large box", ("b", "c")),
        ((0.03, 0.05, 0.06), "largest box", ("c",)),
        ((0.03, 0.05, 0.06), "smallest box", ("a",)),
        ((0.03, 0.05, 0.06), "larger box", ("a", "b", "c")),
        ((0.03, 0.04, 0.06), "small box", ("a", "b")),
    ],
)
def test_sizes_are_compared(
    sides: tuple[float, ...], phrase: str, expected: tuple[str, ...]
) -> None:
    boxes = [thing(n, x=s, y=s, z=s) for n, s in zip("abc", sides, strict=False)]
    assert denotes(phrase, scene(*boxes)) == expected


def every_phrase(spec: SceneSpec, name: str) -> set[str]:
    found = set()
    for seed in range(200):
        try:
            found.add(describe(spec, name, np.random.default_rng(seed), True))
        except SceneRefused:
            return set()
    return found


def test_size_and_place_are_said_only_where_they_are_clear() -> None:
    low, high = (thing(n, "cylinder", radius=0.02, height=h) for n, h in (("a", 0.04), ("b", 0.06)))
    far = thing("b", "cylinder", radius=0.02, height=0.045, at=(0.5, 0.035))
    assert every_phrase(scene(low, high), "b") >= {"tall cylinder", "taller cylinder"}
    assert every_phrase(scene(low, far), "b") == set()
    farther = thing("b", "cylinder", radius=0.02, height=0.045, at=(0.5, 0.05))
    assert every_phrase(scene(low, farther), "b") == {"leftmost cylinder"}
    lying = Body("b", high.shape, (0.5, 0.0, 0.02, 0.0, 0.7071, 0.0, 0.7071), 0.1, 0.8)
    assert not any("tall" in phrase for phrase in every_phrase(scene(low, lying), "b"))


def test_words_of_degree_fit_the_number() -> None:
    sides = (0.03, 0.04, 0.05)
    boxes = [thing(n, x=s, y=s, z=s, at=(0.5, 0.0)) for n, s in zip("abc", sides, strict=True)]
    for number, degrees in ((2, ("small", "smaller")), (3, ("small", "smallest"))):
        expected = {f"{degree} {noun}" for degree in degrees for noun in NOUNS["box"]}
        assert every_phrase(scene(*boxes[:number]), "a") == expected
    assert every_phrase(scene(boxes[0]), "a") == {"box", "block"}


def test_plain_words_say_more_only_where_they_must() -> None:
    boxes = [thing(n, color="red", at=at) for n, at in (("a", (0.5, 0.1)), ("b", (0.5, -0.1)))]
    small = thing("a", color="red", x=0.03, y=0.03, z=0.03)
    rng = np.random.default_rng(0)
    assert describe(scene(*boxes), "a", rng, False) == "leftmost red box"
    assert describe(scene(small, boxes[1]), "a", rng, False) == "small red box"
    assert describe(scene(thing("a")), "a", rng, False) == "box"
    near = thing("c", color="red", at=(0.5, 0.12))
    bowl = thing("d", "bowl", "blue", at=(0.35, 0.1))
    assert describe(scene(*boxes, near, bowl), "b", rng, False) == "rightmost red box"
    with pytest.raises(SceneRefused, match=r"language: .*red box"):
        describe(scene(boxes[0], near), "a", rng, False)


def test_a_word_never_means_another_kind() -> None:
    box, prism = thing("a", color="red"), thing("b", "prism", "red", side=0.02, height=0.03)
    socket = thing("c", "socket", "red", side=0.06, height=0.03)
    spec = scene(box, prism, socket)
    assert denotes("red hexagonal block", spec) == ("b",)
    assert denotes("red block with a hole", spec) == ("c",)
    assert denotes("red box", spec) == ("a",)
    # A listener might take any of the three for a block, so nobody says so.
    assert denotes("red block", spec) == ("a", "b", "c")
    assert describe(spec, "b", np.random.default_rng(0), False) == "red hexagonal block"


def test_a_task_may_call_boxes_cubes() -> None:
    cube = thing("a", color="red", x=0.04, y=0.04, z=0.04)
    plank = thing("b", color="red", x=0.04, y=0.04, z=0.10)
    rng = np.random.default_rng(0)
    said = describe(scene(cube, plank), "a", rng, False, nouns={"box": (CUBE, "block")})
    assert said == "red cube"
    assert denotes("cube", scene(cube, plank)) == ("a",)


def test_drawers_and_doors_go_by_their_level_and_side() -> None:
    drawers = [thing(f"d{i}", "drawer", mass=0.5, level=0.1 + 0.12 * i) for i in range(3)]
    doors = [thing(n, "door", mass=0.5, at=(0.5, y)) for n, y in (("l", 0.2), ("r", -0.2))]
    spec, rng = scene(*drawers, *doors), np.random.default_rng(0)
    said = {name: describe(spec, name, rng, False) for name in ("d0", "d1", "d2", "l", "r")}
    assert list(said.values()) == [
        *("bottom drawer", "middle drawer", "top drawer", "left door", "right door")
    ]
    assert all(denotes(phrase, spec) == (name,) for name, phrase in said.items())
    assert denotes("drawer", spec) == ("d0", "d1", "d2")


@pytest.mark.parametrize(
    "phrase", ["red banana", "box the red", "", "left", "box left of the robot"]
)
def test_words_that_make_no_phrase_are_refused(phrase: str) -> None:
    with pytest.raises(RobokilnError, match=f"language: '{phrase}'.*nouns: box, block"):
        denotes(phrase, AROUND)
    with pytest.raises(RobokilnError, match="'banana' is not known"):
        denotes("red banana", AROUND)
