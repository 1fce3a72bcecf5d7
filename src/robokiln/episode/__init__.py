"""The one loop that acts, steps and records; scenes at rest; experts and noise."""

from robokiln.episode.config import EpisodeConfig
from robokiln.episode.expert import Expert
from robokiln.episode.forces import ForceNoise
from robokiln.episode.loop import run
from robokiln.episode.settle import draw_scene

__all__ = ["EpisodeConfig", "Expert", "ForceNoise", "draw_scene", "run"]
