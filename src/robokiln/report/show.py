"""A dataset at a glance: a contact sheet, and sample videos with the cameras side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robokiln import dataset
from robokiln.dataset import IMAGES, Dataset, encode_video
from robokiln.types import Array, RobokilnError

SHEET = "contact_sheet.png"
TILE = 144
"""Pixels of a tile's height on the sheet."""
VIDEO_HEIGHT = 256
GAP = 3
CAPTION = 26
MARGIN = 14
INK, FAINT, PAPER = (32, 36, 40), (110, 116, 122), (255, 255, 255)


def show(root: Path, out: Path, episodes: int = 8, columns: int = 8, videos: int = 4) -> list[Path]:
    """Write `contact_sheet.png` and sample videos of the dataset `root` into `out`; the files."""
    for name, count, least in (
        ("episodes", episodes, 1),
        ("columns", columns, 2),
        ("videos", videos, 0),
    ):
        if count < least:
            raise RobokilnError(f"{name}: expected at least {least}, got {count}")
    data = dataset.open(root, columns=())
    if out.exists() and not (out / SHEET).exists() and (not out.is_dir() or any(out.iterdir())):
        raise RobokilnError(f"{out}: exists and is not a folder of ours; choose another")
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("episode_*.mp4"):
        old.unlink()
    files = [out / f"episode_{e:06d}.mp4" for e in spread(data.info.episodes, videos)]
    for file, episode in zip(files, spread(data.info.episodes, videos), strict=True):
        encode_video(file, side_by_side(data, episode), data.info.fps)
    contact_sheet(data, spread(data.info.episodes, episodes), columns).save(out / SHEET)
    return [out / SHEET, *files]


def spread(total: int, count: int) -> list[int]:
    """Up to `count` numbers below `total`, evenly apart, from the first on."""
    return sorted({int(i) for i in np.linspace(0, total - 1, min(count, total)).round()})


def contact_sheet(data: Dataset, episodes: Sequence[int], columns: int) -> Image.Image:
    """A block an episode: its instruction, then a row a camera with time to the right."""
    blocks = [_block(data, episode, columns) for episode in episodes]
    width = max(b.width for b in blocks) + 2 * MARGIN
    sheet = Image.new("RGB", (width, sum(b.height + MARGIN for b in blocks) + MARGIN), PAPER)
    y = MARGIN
    for block in blocks:
        sheet.paste(block, (MARGIN, y))
        y += block.height + MARGIN
    return sheet


def side_by_side(data: Dataset, episode: int, height: int = VIDEO_HEIGHT) -> Array:
    """All cameras of an episode: uint8 [T, height, W, 3], enlarged."""
    rows = [data.video(camera, episode) for camera in data.info.videos]
    steps = range(min(len(r) for r in rows))
    return np.stack([np.concatenate([_resize(r[t], height) for r in rows], axis=1) for t in steps])


def _block(data: Dataset, episode: int, columns: int) -> Image.Image:
    videos = {camera: data.video(camera, episode) for camera in data.info.videos}
    length = min(len(v) for v in videos.values())
    steps = spread(length, columns)
    rows = [
        np.concatenate([_padded(_resize(video[t], TILE)) for t in steps], axis=1)
        for video in videos.values()
    ]
    picture = np.concatenate(
        [np.pad(r, ((0, GAP), (0, 0), (0, 0)), constant_values=255) for r in rows]
    )
    block = Image.new("RGB", (picture.shape[1], picture.shape[0] + CAPTION), PAPER)
    block.paste(Image.fromarray(picture), (0, CAPTION))
    seconds = length / data.info.fps
    note = f"episode {episode}, {length} frames, {seconds:.1f} s"
    _label(block, data.instructions[episode], note)
    _times(block, [t / data.info.fps for t in steps], picture.shape[1] // len(steps))
    for i, camera in enumerate(videos):
        _tag(block, camera.removeprefix(IMAGES), (4, CAPTION + i * (TILE + GAP) + TILE - 18))
    return block


def _label(block: Image.Image, caption: str, note: str) -> None:
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(17)
    draw.text((0, 2), caption, INK, font)
    draw.text((draw.textlength(caption, font) + 14, 5), note, FAINT, ImageFont.load_default(13))


def _times(block: Image.Image, seconds: Sequence[float], pitch: int) -> None:
    for i, value in enumerate(seconds):
        _tag(block, f"{value:.1f} s", (i * pitch + 4, CAPTION + 4))


def _tag(block: Image.Image, text: str, at: tuple[int, int]) -> None:
    """Light text on a dark plate, readable on any picture."""
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(12)
    x0, y0, x1, y1 = draw.textbbox(at, text, font)
    draw.rectangle((x0 - 3, y0 - 3, x1 + 3, y1 + 3), (24, 28, 32))
    draw.text(at, text, (255, 255, 255), font)


def _resize(image: Array, height: int) -> Array:
    width = 2 * round(image.shape[1] * height / image.shape[0] / 2)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _padded(image: Array) -> Array:
    return np.pad(image, ((0, 0), (0, GAP), (0, 0)), constant_values=255)
