"""Labels as pictures: segments over dimmed color, depth with a scale in metres."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln.types import Array

PALETTE = np.array(
    [
        *((0, 0, 0), (225, 228, 232), (96, 108, 124), (168, 140, 108), (230, 72, 62)),
        *((70, 140, 240), (250, 200, 45), (60, 180, 90), (170, 90, 220), (250, 140, 40)),
        *((60, 205, 215), (240, 110, 180), (150, 200, 60), (125, 85, 60), (35, 95, 130)),
    ],
    np.uint8,
)
"""Of ids: nothing, the robot, floor and table, then the things; what is beyond starts with those
again."""
THINGS = 4
DEPTH_MAP = "viridis_r"
NOTHING = (24, 24, 28)
LEGEND = 150
_INK, _PAPER = (32, 36, 40), (255, 255, 255)


def id_colors(ids: Array) -> Array:
    """uint8 [..., 3] of ids [...]."""
    wrapped = THINGS + (ids.astype(int) - THINGS) % (len(PALETTE) - THINGS)
    colors: Array = PALETTE[np.where(ids < THINGS, ids, wrapped)]
    return colors


def segments_over(rgb: Array, ids: Array) -> Array:
    """uint8 [T, H, W, 3]: each id's color over the gray, dimmed picture, with dark borders."""
    gray = rgb.mean(axis=-1, keepdims=True)
    painted = 0.72 * id_colors(ids) + 0.28 * gray
    edge = np.zeros(ids.shape, bool)
    edge[:, :, 1:] |= ids[:, :, 1:] != ids[:, :, :-1]
    edge[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    painted[edge] *= 0.55
    return painted.astype(np.uint8)


def depth_limits(depth: Array) -> tuple[float, float]:
    """From nearly the nearest to nearly the farthest (m), rounded outwards to 5 cm."""
    seen = depth[depth > 0]
    if not len(seen):
        return 0.1, 1.0
    low, high = (float(q) for q in np.quantile(seen, (0.005, 0.995)))
    low = max(np.floor(low * 20) / 20, 0.05)
    return float(low), float(max(np.ceil(high * 20) / 20, low + 0.05))


def depth_colors(depth: Array, limits: tuple[float, float]) -> Array:
    """uint8 [..., 3]: near is bright, equal ratios are equal steps, nothing is nearly black."""
    table = (mpl.colormaps[DEPTH_MAP](np.linspace(0, 1, 256))[:, :3] * 255).round()
    low, high = limits
    share = np.log(np.clip(depth, low, high) / low) / np.log(high / low)
    level = (share * 255).astype(np.uint8)
    painted = table.astype(np.uint8)[level]
    painted[depth <= 0] = NOTHING
    return painted


def depth_legend(height: int, limits: tuple[float, float]) -> Array:
    """The scale beside a row of depth: uint8 [height, LEGEND, 3]."""
    image = Image.new("RGB", (LEGEND, height), _PAPER)
    ramp = np.geomspace(*limits, height - 24)[:, None].repeat(18, axis=1)
    image.paste(Image.fromarray(depth_colors(ramp, limits)), (8, 12))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    for i, value in enumerate(np.geomspace(*limits, 5)):
        y = 12 + (height - 25) * i // 4
        draw.line((26, y, 31, y), _INK)
        draw.text((36, y), f"{value:.2f} m", _INK, font, anchor="lm")
    return np.asarray(image)


def segment_legend(height: int, names: Sequence[str], ids: Array) -> Array:
    """Swatches of the ids that are seen, by name: uint8 [height, LEGEND, 3]."""
    image = Image.new("RGB", (LEGEND, height), _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(11)
    seen = [int(i) for i in ids if i > 0]
    fitting = (height - 6) // 14
    for row, identity in enumerate(seen[:fitting]):
        y = 4 + 14 * row
        swatch = tuple(int(v) for v in id_colors(np.array(identity)))
        draw.rectangle((8, y, 20, y + 10), swatch, _INK)
        last = row == fitting - 1 and len(seen) > fitting
        name = names[identity] if identity < len(names) else f"id {identity}"
        text = f"and {len(seen) - row} more" if last else name
        draw.text((26, y + 5), text, _INK, font, anchor="lm")
    return np.asarray(image)
