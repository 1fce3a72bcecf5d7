"""The words for what stands in a scene, and noun phrases made of them: "small red box"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from robokiln.assets import ALL_COLORS
from robokiln.types import RobokilnError

NOUNS: dict[str, tuple[str, ...]] = {
    "box": ("box", "block"),
    "cylinder": ("cylinder",),
    "sphere": ("ball", "sphere"),
    "capsule": ("capsule",),
    "bottle": ("bottle",),
    "can": ("can",),
    "cup": ("cup",),
    "mug": ("mug",),
    "bowl": ("bowl",),
    "plate": ("plate",),
    "tray": ("tray",),
    "crate": ("crate",),
    "ring": ("ring",),
    "prism": ("hexagonal block", "hexagonal prism"),
    "peg": ("peg",),
    "socket": ("block with a hole", "block with the hole"),
    "cabinet": ("cabinet",),
    "drawer": ("drawer",),
    "door": ("door",),
    "zone": ("zone", "area", "square"),
}
"""Kind of shape -> what it may be called, the standard word first."""

CUBE = "cube"
"""A box of nearly equal sides, where a task says so: no standard word for a kind of shape."""

TAKEN_FOR: dict[str, tuple[str, ...]] = {
    "block": ("prism", "socket"),
    "box": ("crate",),
    "cup": ("mug",),
    "cylinder": ("can", "peg"),
}
"""Noun -> kinds that it doesn't name, but that a listener might take it for."""

ONTO = frozenset({"plate", "tray", "zone", "box", "cylinder", "prism"})
"""Kinds on which things are put; they go into all others."""

COMPARED: dict[str, dict[str, tuple[str, ...]]] = {
    "volume": {"+": ("large", "big", "larger", "bigger", "largest", "biggest")}
    | {"-": ("small", "smaller", "smallest")},
    "height": {"+": ("tall", "taller", "tallest"), "-": ("short", "shorter", "shortest")},
    "left": {"+": ("leftmost", "left"), "-": ("rightmost", "right")},
    "level": {"+": ("top",), "-": ("bottom",)},
    "middle": {"+": ("middle",)},
}
"""What is compared -> the words for much and for little of it."""

QUANTITY = {w: (q, s) for q, signs in COMPARED.items() for s, ws in signs.items() for w in ws}
"""Modifier -> what it compares, and its sign."""
POSITIVES = frozenset({"large", "big", "small", "tall", "short", "left", "right"})
"""These may mean whatever has much of it; the others only the one that has most."""
COMPARATIVES = frozenset({"larger", "bigger", "smaller", "taller", "shorter"})
"""These are said of one of two."""

SIDES: dict[str, tuple[float, float]] = {
    "left of": (0.0, 1.0),
    "to the left of": (0.0, 1.0),
    "right of": (0.0, -1.0),
    "to the right of": (0.0, -1.0),
    "in front of": (-1.0, 0.0),
    "behind": (1.0, 0.0),
}
"""Relation -> its direction (world x, y), as the robot sees it: in front of is nearer to it."""

DISTANCES: dict[str, float] = {
    "nearest": 1.0,
    "closest to": 1.0,
    "farthest from": -1.0,
    "furthest from": -1.0,
}
"""Relation -> whether little distance is meant (1) or much (-1)."""

ROBOT = "robot"


@dataclass(frozen=True)
class Phrase:
    """A noun phrase without its article. `landmark` is another one, or None for the robot."""

    noun: str
    color: str = ""
    modifier: str = ""
    relation: str = ""
    landmark: Phrase | None = None

    def __str__(self) -> str:
        words = [self.modifier, self.color, self.noun]
        if self.relation:
            words += [self.relation, "the", str(self.landmark or ROBOT)]
        return " ".join(w for w in words if w)


def kinds_of(noun: str) -> tuple[str, ...]:
    """The kinds of shape that a noun names."""
    return ("box",) if noun == CUBE else tuple(k for k, nouns in NOUNS.items() if noun in nouns)


def into(kind: str) -> str:
    """What is put there is put "onto" it, or "into" it."""
    return "onto" if kind in ONTO else "into"


def plural(noun: str) -> str:
    """Of a noun of one word: "boxes", "balls"."""
    return noun + ("es" if noun.endswith("x") else "s")


NOUN_WORDS = (*(noun for nouns in NOUNS.values() for noun in nouns), CUBE)
_SIMPLE = rf"(?:({'|'.join(QUANTITY)}) )?(?:({'|'.join(ALL_COLORS)}) )?({'|'.join(NOUN_WORDS)})"
_SIDE = rf"(?: ({'|'.join(SIDES)}) the {_SIMPLE})?"
_DISTANCE = rf"(?: ({'|'.join(DISTANCES)}) the (?:{ROBOT}|{_SIMPLE}))?"
# Matched as a whole, so that a "hexagonal block" is never some block.
_PHRASE = re.compile(rf"(?:the )?{_SIMPLE}(?:{_SIDE}|{_DISTANCE})")

WORDS = frozenset(
    word
    for text in (*NOUN_WORDS, *ALL_COLORS, *QUANTITY, *SIDES, *DISTANCES, ROBOT, "the")
    for word in text.split()
)
"""Every word of which noun phrases are made."""


def parse(text: str) -> Phrase:
    """The noun phrase that these words are, or an error that names the first unknown word."""
    found = _PHRASE.fullmatch(" ".join(text.lower().split()))
    if found is None:
        unknown = [w for w in text.lower().split() if w not in WORDS]
        said = f"'{unknown[0]}' is not known" if unknown else "its words don't make a noun phrase"
        raise RobokilnError(
            f"language: '{text}': {said}; expected [modifier] [color] noun [relation the noun], "
            f"nouns: {', '.join(NOUN_WORDS)}"
        )
    modifier, color, noun, *relations = (part or "" for part in found.groups())
    for relation, *landmark in (relations[:4], relations[4:]):
        if relation:
            other = Phrase(landmark[2], landmark[1], landmark[0]) if landmark[2] else None
            return Phrase(noun, color, modifier, relation, other)
    return Phrase(noun, color, modifier)
