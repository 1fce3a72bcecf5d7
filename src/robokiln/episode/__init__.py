"""The one loop that acts, steps and records, its step; scenes at rest; experts and noise."""

from robokiln.episode.config import EpisodeConfig
from robokiln.episode.expert import Expert
from robokiln.episode.forces import ForceNoise
from robokiln.episode.loop import Driver, run
from robokiln.episode.settle import draw_scene, held_out_scene
from robokiln.episode.stepper import Observe, Stepper

__all__ = [
    "Driver",
    "EpisodeConfig",
    "Expert",
    "ForceNoise",
    "Observe",
    "Stepper",
    "draw_scene",
    "held_out_scene",
    "run",
]
