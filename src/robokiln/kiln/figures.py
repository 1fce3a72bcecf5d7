"""Pictures for the dataset's card as SVG: text that is the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from robokiln.scene.layout import Area

SIDE, GAP, TOP, LEFT = 200, 90, 34, 56
"""Pixels: of a map, between maps, above, and to the left of each for its axis."""
INK, LIGHT, DARK = "#333333", (239, 243, 255), (8, 81, 156)

Map = tuple[str, Sequence[Sequence[int]], Area]
"""Title, counts [bins of x][bins of y], and the area that they divide."""


def heatmaps(maps: Sequence[Map]) -> str:
    """How often each bin was used, seen from above: x (away from the robot) upward, y to the left,
    as the robot's camera sees it. Empty bins are white and crossed out."""
    width = len(maps) * (LEFT + SIDE + GAP // 3) + GAP // 3
    height = TOP + SIDE + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, entry in enumerate(maps):
        parts += _map(entry, LEFT + i * (LEFT + SIDE + GAP // 3))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _map(entry: Map, left: int) -> list[str]:
    title, counts, area = entry
    bins, most = len(counts), max(1, *(n for row in counts for n in row))
    cell = SIDE / bins
    parts = [_text(left + SIDE / 2, TOP - 12, title)]
    for i, row in enumerate(counts):
        for j, number in enumerate(row):
            x, y = left + (bins - 1 - j) * cell, TOP + (bins - 1 - i) * cell
            parts += _cell(x, y, cell, number, most)
    (x_low, x_high), (y_low, y_high) = area.x, area.y
    return [
        *parts,
        _text(left - 6, TOP + 10, f"x {x_high:g}", "end"),
        _text(left - 6, TOP + SIDE, f"{x_low:g}", "end"),
        _text(left, TOP + SIDE + 16, f"y {y_high:g}", "start"),
        _text(left + SIDE, TOP + SIDE + 16, f"{y_low:g}", "end"),
    ]


def _cell(x: float, y: float, side: float, number: int, most: int) -> list[str]:
    share = number / most
    color = tuple(round(a + (b - a) * share) for a, b in zip(LIGHT, DARK, strict=True))
    fill = "white" if number == 0 else f"rgb{color}".replace(" ", "")
    box = f'x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}"'
    ink = "white" if share > 0.5 else INK
    return [
        f'<rect {box} fill="{fill}" stroke="#999999"/>',
        _text(x + side / 2, y + side / 2 + 4, str(number) if number else "×", color=ink),
    ]


def _text(x: float, y: float, text: str, anchor: str = "middle", color: str = INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {place}>{escape(text)}</text>"
