"""Looks: how a scene appears, drawn from ranges and families. A look never changes the motion."""

from robokiln.frames.looks.backdrops import BACKDROPS
from robokiln.frames.looks.config import LookConfig, Textures
from robokiln.frames.looks.lights import LIGHTS
from robokiln.frames.looks.sample import sample_look
from robokiln.frames.looks.textures import TEXTURES, build_texture

__all__ = [
    "BACKDROPS",
    "LIGHTS",
    "TEXTURES",
    "LookConfig",
    "Textures",
    "build_texture",
    "sample_look",
]
