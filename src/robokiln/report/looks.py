"""One scene in many looks, and every texture family: two sheets to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.frames import LookConfig, Renderer, sample_look
from robokiln.frames.looks import TEXTURES, build_texture
from robokiln.physics.bullet import BulletWorld
from robokiln.report.show import GAP, INK, MARGIN, PAPER
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Camera, Color, Episode, Look, Material, RobokilnError, Texture

SHEET, TILES = "looks.png", "textures.png"
CAPTION = 18
ATTEMPTS = 20
MOMENT = 0.4
"""The part of the demonstration after which it is shown: the arm is down among the objects."""
EXAMPLES: tuple[tuple[Color, ...], ...] = (
    ((0.80, 0.62, 0.42), (0.55, 0.36, 0.20), (0.35, 0.22, 0.12)),
    ((0.85, 0.85, 0.82), (0.45, 0.50, 0.55), (0.20, 0.22, 0.30)),
)
"""The palettes in which texture families are shown."""


@dataclass(frozen=True)
class SheetConfig:
    """What is shown: `count` looks of the first scene that `generate` makes with this seed."""

    task: str
    robot: str
    cameras: tuple[Camera, ...]
    look: LookConfig
    count: int = 24
    columns: int = 4
    seed: int = 0
    antialias: bool = True
    scene: SceneConfig = field(default_factory=SceneConfig)

    def __post_init__(self) -> None:
        """Refuse what can't be drawn, before any work."""
        tasks.get(self.task, robots.get(self.robot))
        for name in ("count", "columns"):
            if getattr(self, name) < 1:
                raise RobokilnError(f"{name}: expected at least 1, got {getattr(self, name)}")


def looks(config: SheetConfig, out: Path) -> list[Path]:
    """Write `looks.png` and `textures.png` into `out`; the files."""
    if out.exists() and not (out / SHEET).exists() and (not out.is_dir() or any(out.iterdir())):
        raise RobokilnError(f"{out}: exists and is not a folder of ours; choose another")
    out.mkdir(parents=True, exist_ok=True)
    look_sheet(config).save(out / SHEET)
    texture_sheet().save(out / TILES)
    return [out / SHEET, out / TILES]


def look_sheet(config: SheetConfig) -> Image.Image:
    """A tile a look: every camera's picture of one moment, and what the look is made of."""
    episode, attempt = demonstration(config)
    step = int(MOMENT * len(episode))
    poses = episode.link_poses[step : step + 1]
    tiles = []
    for index in range(config.count):
        # The stream of `generate`: its looks of this scene are these, in this order.
        rng = generator(Domain.TRAINING, config.seed, 0, attempt, Stream.LOOK, index)
        look = sample_look(episode.spec, rng, config.look)
        frames = Renderer(episode.spec, look, antialias=config.antialias).render(poses)
        tiles.append((f"{index}: {described(look)}", beside([f.rgb[0] for f in frames.values()])))
    return grid(tiles, config.columns)


def texture_sheet(size: int = 128, columns: int = 4) -> Image.Image:
    """Every family in two palettes, two seeds each."""
    tiles = []
    for family in TEXTURES:
        drawn = [Texture(family, seed, EXAMPLES[seed], 1.0) for seed in range(len(EXAMPLES))]
        tiles.append((family, beside([build_texture(t, size) for t in drawn])))
    return grid(tiles, columns)


def demonstration(config: SheetConfig) -> tuple[Episode, int]:
    """The expert's episode, without noise, in the first scene that lets it succeed."""
    episodes, task = EpisodeConfig(), tasks.get(config.task)
    world = BulletWorld(episodes.control_hz, episodes.physics_hz)
    for attempt in range(ATTEMPTS):
        where = (Domain.TRAINING, config.seed, 0, attempt)
        try:
            robot = robots.get(config.robot)
            spec = draw_scene(world, task, robot, config.cameras, config.scene, *where)
        except SceneRefused:
            continue
        episode = run(world, task, spec, Expert(task, spec, episodes), episodes)
        if episode.outcome.success:
            return episode, attempt
    raise RobokilnError(f"{config.task}: the expert failed in {ATTEMPTS} scenes")


def described(look: Look) -> str:
    """What a look is made of, in a few words."""
    lamps = sum(light.position is not None for light in look.lights)
    things = sum(prop.name.startswith("distractor") for prop in look.props)
    parts = [
        f"{_surface(look.materials[1])} table, {_surface(look.materials[0])} floor",
        *_counted(len(look.lights) - lamps, "light"),
        *_counted(lamps, "lamp"),
        *_counted(len(look.props) - things, "wall"),
        *_counted(things, "distractor"),
    ]
    return ", ".join(parts)


def _surface(material: Material) -> str:
    return material.texture.family if material.texture else "plain"


def _counted(count: int, noun: str) -> list[str]:
    return [f"{count} {noun}{'s' * (count > 1)}"] if count else []


def beside(pictures: list[Array]) -> Array:
    """Pictures of one height side by side: lower ones are filled up with paper."""
    height = max(len(p) for p in pictures)
    padded = [
        np.pad(p, ((0, height - len(p)), (0, GAP), (0, 0)), constant_values=255) for p in pictures
    ]
    return np.concatenate(padded, axis=1)


def grid(tiles: list[tuple[str, Array]], columns: int) -> Image.Image:
    """Captioned pictures of one size, in rows."""
    columns = min(columns, len(tiles))
    height, width = tiles[0][1].shape[:2]
    pitch = (width + MARGIN, height + CAPTION + GAP)
    rows = -(-len(tiles) // columns)
    size = (MARGIN + columns * pitch[0], MARGIN + rows * pitch[1])
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for i, (caption, picture) in enumerate(tiles):
        x, y = MARGIN + i % columns * pitch[0], MARGIN + i // columns * pitch[1]
        draw.text((x, y), caption, INK, font)
        sheet.paste(Image.fromarray(picture), (x, y + CAPTION - 2))
    return sheet
