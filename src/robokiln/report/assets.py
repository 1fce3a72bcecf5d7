"""Members of every family of shapes, drawn at random: a picture and a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin, UnidentifiedImageError

from robokiln.assets import (
    ALL_COLORS,
    FAMILIES,
    Family,
    collision_parts,
    footprint,
    height,
)
from robokiln.files import refuse_links
from robokiln.frames import LookConfig, Renderer, sample_look
from robokiln.geometry import compose, look_at, pose_tuple, quat_from_axis_angle, quat_from_yaw
from robokiln.report.show import FAINT, GAP, INK, MARGIN, PAPER
from robokiln.scene import robots
from robokiln.scene.robots import visual_links
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Array, Body, Camera, PoseTuple, RobokilnError, SceneSpec, Shape

CAPTION = 27
MARK = ("Software", "robokiln assets")
"""What a picture of ours says, so that no other one is replaced."""
AWAY = np.array([0.0, 0.0, -20.0, 0.0, 0.0, 0.0, 1.0], np.float32)
"""Where the robot is while things are pictured."""
BELOW = (
    Body("floor", Shape("box", {"x": 4.0, "y": 4.0, "z": 0.02}), (0, 0, -0.41, 0, 0, 0, 1), 0, 1),
    Body("table", Shape("box", {"x": 4.0, "y": 4.0, "z": 0.04}), (0, 0, -0.02, 0, 0, 0, 1), 0, 1),
)
EYE = np.array([0.80, 0.12, 0.55])
"""Towards the camera: beside the light of `look=plain`, and what opens to -x is turned to it."""
TURNED = {
    **{"box": 0.5, "peg": 0.5, "capsule": 0.6, "socket": 0.4, "zone": 0.3, "tray": 0.3},
    **{"crate": 0.4, "mug": 1.1, "cabinet": 2.7, "drawer": 2.5, "door": 2.7},
}
"""Yaw (rad) by kind."""
FOV, FILL = 26.0, 0.78
"""Vertical field of view (degrees), and the share of it that a thing's bounding sphere takes."""


@dataclass(frozen=True)
class AssetSheetConfig:
    """`count` members, as many of each family as of any other but one."""

    look: LookConfig
    count: int = 100
    columns: int = 10
    seed: int = 0
    image_size: int = 128
    antialias: bool = True

    def __post_init__(self) -> None:
        """Refuse what can't be drawn, before any work."""
        for name in ("count", "columns"):
            if getattr(self, name) < 1:
                raise RobokilnError(f"{name}: expected at least 1, got {getattr(self, name)}")


def assets(config: AssetSheetConfig, out: Path) -> Path:
    """Write the picture; its file."""
    if out.suffix != ".png" or (out.exists() and not _ours(out)):
        raise RobokilnError(f"{out}: expected a .png file that is new, or that this command made")
    refuse_links(out)
    sheet = asset_sheet(config)
    out.parent.mkdir(parents=True, exist_ok=True)
    mark = PngImagePlugin.PngInfo()
    mark.add_text(*MARK)
    sheet.save(out, optimize=True, pnginfo=mark)
    return out


def _ours(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            return image.info.get(MARK[0]) == MARK[1]
    except (UnidentifiedImageError, IsADirectoryError):
        return False


def members(config: AssetSheetConfig) -> list[tuple[Family, Shape, str]]:
    """Family, shape and color of each; members of a family follow each other."""
    chosen = sorted(i % len(FAMILIES) for i in range(config.count))
    rngs = [
        generator(Domain.TRAINING, config.seed, i, 0, Stream.SCENE) for i in range(config.count)
    ]
    colors = [str(color) for color in rngs[0].permutation(list(ALL_COLORS))]
    found = []
    for i, (which, rng) in enumerate(zip(chosen, rngs, strict=True)):
        family = list(FAMILIES.values())[which]
        found.append((family, family.draw(rng), colors[i % len(colors)]))
    return found


def asset_sheet(config: AssetSheetConfig) -> Image.Image:
    """A captioned tile a member, in rows."""
    size, shown = config.image_size, members(config)
    columns = min(config.columns, len(shown))
    pitch = (size + GAP, size + CAPTION)
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (2 * MARGIN + columns * pitch[0], 2 * MARGIN + rows * pitch[1]), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for i, (family, shape, color) in enumerate(shown):
        x, y = MARGIN + i % columns * pitch[0], MARGIN + i // columns * pitch[1]
        sheet.paste(Image.fromarray(picture(shape, color, config, i)), (x, y))
        draw.text((x + 1, y + size + 1), family.nouns[0], INK, font)
        draw.text((x + 1, y + size + 12), f"{color}, {family.split}", FAINT, font)
    return sheet


def picture(shape: Shape, color: str, config: AssetSheetConfig, index: int) -> Array:
    """A shape alone on the table: uint8 [image_size, image_size, 3]."""
    body = Body("thing", shape, _resting(shape), 0.1, 0.8, color)
    camera = _camera(shape, body.pose, config.image_size)
    robot = robots.get("panda")
    spec = SceneSpec("", robot.name, robot.home, (*BELOW, body), (camera,), "", {})
    rng = generator(Domain.TRAINING, config.seed, index, 0, Stream.LOOK)
    look = replace(sample_look(spec, rng, config.look), cameras=())
    away = len(visual_links(spec)) - len(spec.bodies)
    poses = np.stack([*[AWAY] * away, *(np.array(b.pose, np.float32) for b in spec.bodies)])
    frames = Renderer(spec, look, antialias=config.antialias).render(poses[None])
    rgb: Array = frames[camera.name].rgb[0]
    return rgb


def _resting(shape: Shape) -> PoseTuple:
    """On the table's middle, turned so that its sides are seen; a capsule lies."""
    lies = shape.kind == "capsule"
    z = shape.size["radius"] if lies else height(shape) / 2
    yaw = quat_from_yaw(TURNED.get(shape.kind, 0.0))
    tilt = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi / 2 if lies else 0.0)
    return pose_tuple(compose(np.array([0, 0, z, *yaw]), np.array([0, 0, 0, *tilt])))


def _camera(shape: Shape, pose: PoseTuple, size: int) -> Camera:
    radius = max(np.hypot(footprint(shape), height(shape) / 2), 0.035)
    away = radius / FILL / np.tan(np.radians(FOV) / 2)
    target = np.array(pose[:3])
    eye = target + EYE / np.linalg.norm(EYE) * away
    x, y, z = (float(v) for v in eye)
    at = (float(target[0]), float(target[1]), float(target[2]))
    return Camera("sheet", size, size, FOV, look_at((x, y, z), at))


def family_table() -> list[tuple[str, ...]]:
    """Rows of name, kind, split, parts, roles, licence and dimensions (mm, or ratios)."""
    return [
        (
            family.name,
            family.kind,
            family.split,
            _parts(family),
            " ".join(sorted(family.roles)),
            family.licence,
            _dimensions(family),
        )
        for family in FAMILIES.values()
    ]


HEADINGS = ("family", "kind", "split", "parts", "roles", "licence", "dimensions in mm, or ratios")


def _parts(family: Family) -> str:
    draws = [family.draw(np.random.default_rng(seed)) for seed in range(20)]
    counts = sorted({len(collision_parts(shape)) for shape in draws})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"


RATIOS = {"neck", "shoulder", "taper", "tall", "foot", "curve", "well", "dip"}


def _dimensions(family: Family) -> str:
    written = []
    for name, (low, high) in family.ranges.items():
        unit = 1 if name in RATIOS else 1000
        written.append(f"{name} {round(low * unit, 2):g}-{round(high * unit, 2):g}")
    written += [f"{k} {'/'.join(f'{v:g}' for v in vs)}" for k, vs in family.choices.items()]
    return ", ".join(written)
