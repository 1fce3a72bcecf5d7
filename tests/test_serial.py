"""Values survive JSON; what does not fit is named."""

import json

import pytest

from robokiln.geometry import IDENTITY
from robokiln.serial import canonical_json, from_json, to_json
from robokiln.types import Body, Camera, RobokilnError, SceneSpec, Shape, lookup


def spec() -> SceneSpec:
    ball = Body("target_0", Shape("sphere", {"radius": 0.02}), IDENTITY, 0.1, 0.9, "red")
    camera = Camera("front", 96, 96, 40.0, IDENTITY)
    return SceneSpec("t", "panda", (0.0, 0.1), (ball,), (camera,), "go", {"target": "target_0"})


def test_specs_survive_json_exactly() -> None:
    text = json.dumps(to_json(spec()))
    assert from_json(SceneSpec, json.loads(text)) == spec()
    assert canonical_json(from_json(SceneSpec, json.loads(text))) == canonical_json(spec())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, ["colour", "color"]),
        ({"mass": "heavy"}, ["mass", "heavy"]),
        ({"pose": [1, 2]}, ["pose", "7"]),
        ({"friction": True}, ["friction", "True"]),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, object], words: list[str]) -> None:
    data = to_json(spec().bodies[0]) | change
    with pytest.raises(RobokilnError) as error:
        from_json(Body, data)
    assert all(word in str(error.value) for word in words)


def test_a_missing_key_is_named() -> None:
    data = to_json(spec().bodies[0])
    del data["mass"]
    with pytest.raises(RobokilnError, match="'mass' is missing"):
        from_json(Body, data)


def test_lookup_lists_what_there_is() -> None:
    with pytest.raises(RobokilnError, match="task 'stak' not found; available: lift, stack"):
        lookup("task", "stak", {"stack": 1, "lift": 2})
