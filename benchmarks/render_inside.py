"""Where the renderer's time goes: its stages and Python's share, read from its insides."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from render_scenes import cpu_ms, median, reach, resized, table_scene, textured_look
from robokiln import frames
from robokiln.frames import renderer as renderer_module


def stages(size: tuple[int, int]) -> dict[str, float]:
    """Milliseconds of each stage for one pose and the front camera."""
    spec, poses = resized(table_scene(), *size), reach(2)
    r = frames.Renderer(spec, textured_look(spec))
    r.render(poses[:1])
    view, step = r._views(spec.cameras[0], poses)[1], poses[1]
    samples, triangles, visible = r._buffer(view), r._triangles, r._visible
    depth, ids = np.empty(size[0] * size[1], np.float32), np.empty(size[0] * size[1], np.uint16)
    rgb = np.empty((size[1], size[0], 3), np.uint8)
    m = renderer_module
    work: dict[str, Callable[[], object]] = {
        "place": lambda: m.place(triangles, step, r._placed),
        "shadows": lambda: r._shadows.cast(triangles, r._placed, step),
        "rasterise": lambda: r._sample(r._all, view, samples),
        "set up visible triangles": lambda: m.find_visible(
            triangles, r._placed, view, samples.labels, visible
        ),
        "depth and ids": lambda: m.write_geometry(
            triangles, r._paints.owner, view, 1, samples.labels, visible, depth, ids
        ),
        "shade": lambda: m.shade_picture(
            triangles, r._paints, r._atlas, r._shadows.lights, view, 1, samples.labels, visible,
            r._block, m.srgb_codes(), rgb,
        ),
        "forget": lambda: m.forget(visible),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(25):
        for name, function in work.items():
            times[name].append(cpu_ms(function))
    return {name: median(values) for name, values in times.items()}


def python_share(steps: int = 120) -> float:
    """Share of a batch's time that is not spent in kernels, the cost of calling them included."""
    spec, poses = resized(table_scene(), 128, 128), reach(steps)
    drawn = frames.Renderer(spec, textured_look(spec))
    drawn.render(poses[:2])
    names = ["place", "draw_triangles", "clear", "find_visible", "write_geometry", "shade_picture"]
    places = [(renderer_module, name) for name in [*names, "forget"]]
    shadows = sys.modules["robokiln.frames.shadows"]
    places += [(shadows, name) for name in ("draw_triangles", "clear")]
    nothing = np.zeros_like(drawn._all)
    view = drawn._views(spec.cameras[0], poses[:1])[0]
    samples = drawn._buffer(view)
    call = (drawn._triangles, drawn._placed, nothing, view, samples.nearness, samples.labels)
    draw = renderer_module.draw_triangles
    overhead = min(cpu_ms(lambda: [draw(*call) for _ in range(100)]) for _ in range(9)) / 100
    spent = [0.0, 0]
    originals = [(module, name, getattr(module, name)) for module, name in places]

    def timed(kernel: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            start = time.perf_counter()
            result = kernel(*arguments)
            spent[0] += (time.perf_counter() - start) * 1e3
            spent[1] += 1
            return result

        return run

    shares = []
    for _ in range(5):
        spent[:] = [0.0, 0]
        for module, name, kernel in originals:
            setattr(module, name, timed(kernel))
        start = time.perf_counter()
        drawn.render(poses)
        total = (time.perf_counter() - start) * 1e3
        for module, name, kernel in originals:
            setattr(module, name, kernel)
        shares.append(1 - (spent[0] - spent[1] * overhead) / total)
    return median(shares)
