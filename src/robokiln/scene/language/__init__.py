"""Words for scenes: noun phrases that mean one body, instructions, and what they mean."""

from robokiln.scene.language.describe import describe
from robokiln.scene.language.meaning import denotes
from robokiln.scene.language.phrasings import Phrasings, understood
from robokiln.scene.language.words import CUBE, NOUNS, into, plural

__all__ = [
    "CUBE",
    "NOUNS",
    "Phrasings",
    "denotes",
    "describe",
    "into",
    "plural",
    "understood",
]
