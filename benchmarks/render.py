"""Milliseconds of CPU an image (color, depth and segmentation), one core, beside others' renderers.

A Panda (meshes within 0.2 mm, finer than by default, for at least 15,000 triangles with the rest)
over a table with eight objects, textured, one light with a 512 x 512 shadow map, no
antialiasing, from link poses to finished arrays. `ms_per_image` has a new pose, and so new shadows,
for each image; `two_cameras` shares a pose between a front and a wrist camera. Medians over rounds
that alternate between the renderers. TinyRenderer is PyBullet's, with shadows: `original` draws the
model's own meshes, as PyBullet's users do, `decimated` ours.

    python benchmarks/render.py --json out/render.json
    python benchmarks/render.py --prototype DIR         # a prototype's rasteriser on its own scene
    python benchmarks/render.py --quick                 # only milliseconds and TinyRenderer
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from robokiln import frames
from robokiln.frames import renderer as renderer_module
from robokiln.geometry import quat_from_yaw
from robokiln.scene.robots import ROBOTS
from robokiln.types import Array, Body, Camera, Look, SceneSpec, Shape, Texture

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "frames"))
from arranged import gray_look, reach, resized, table_scene
from tiny_renderer import TinyRenderer

SIZES = {"128": (128, 128), "224": (224, 224), "640": (640, 480)}
TARGETS = {"128": 2.0, "224": 3.5, "640": 14.0}
STEPS = 40
PORTION = 10
"""Steps a call: hundreds of megabytes at once would measure the system's memory instead."""
WOOD = Texture("wood", 1, ((0.75, 0.55, 0.35), (0.45, 0.28, 0.15)), 0.5)
TILES = Texture("checker", 2, ((0.8, 0.8, 0.78), (0.35, 0.38, 0.45)), 0.6)
SKIN = Texture("noise", 3, ((0.9, 0.9, 0.9), (0.5, 0.5, 0.5)), 0.08)


ROBOTS["panda"] = dataclasses.replace(ROBOTS["panda"], mesh_error=0.0002)


def textured_look(spec: SceneSpec) -> Look:
    """Every surface textured but the arm; one directional light with shadows."""
    look = gray_look(spec)
    light = dataclasses.replace(look.lights[0], direction=(0.4, -0.3, 0.85))
    textures = [TILES, WOOD] + [SKIN] * (len(spec.bodies) - 2)
    materials = [
        dataclasses.replace(m, roughness=0.5, texture=t)
        for m, t in zip(look.materials, textures, strict=True)
    ]
    return dataclasses.replace(look, materials=tuple(materials), lights=(light,))


def cpu_ms(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return (time.process_time() - start) * 1e3


def draw(
    renderer: frames.Renderer, portions: list[Array], cameras: tuple[Camera, ...] | None = None
) -> None:
    for poses in portions:
        renderer.render(poses, cameras)


def median(values: list[float]) -> float:
    return round(float(np.median(values)), 3)


def milliseconds(size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Ours: a camera a pose (`one`), two cameras a pose (`two`), and with antialiasing."""
    spec, poses = resized(table_scene(), *size), reach(STEPS)
    look = textured_look(spec)
    portions = [poses[t : t + PORTION] for t in range(0, STEPS, PORTION)]
    plain, smooth = frames.Renderer(spec, look), frames.Renderer(spec, look, antialias=True)
    front, wrist = spec.cameras
    times: dict[str, list[float]] = {"one": [], "two": [], "antialiased": []}
    for renderer in (plain, smooth):
        renderer.render(poses[:2])
    for i in range(rounds):
        camera = (front, wrist)[i % 2]
        one = cpu_ms(lambda c=camera: draw(plain, portions, (c,)))
        two = cpu_ms(lambda: draw(plain, portions))
        fine = cpu_ms(lambda: draw(smooth, portions))
        for name, ms in zip(times, (one, two / 2, fine / 2), strict=True):
            times[name].append(ms / STEPS)
    return {name: median(values) for name, values in times.items()}


def tiny_milliseconds(rounds: int) -> dict[str, float]:
    """At 128 x 128, alternating: eight poses with ours, one with TinyRenderer's."""
    spec, poses = resized(table_scene(), 128, 128), reach(rounds + 8)
    ours = frames.Renderer(spec, textured_look(spec))
    others = {"decimated": TinyRenderer(spec, prepared=True), "original": TinyRenderer(spec)}
    times: dict[str, list[float]] = {"ours": [], **{name: [] for name in others}}
    ours.render(poses[:2])
    for t in range(rounds):
        times["ours"].append(cpu_ms(lambda t=t: ours.render(poses[t : t + 8])) / 16)
        for name, tiny in others.items():
            times[name].append(cpu_ms(lambda t=t, r=tiny: r.render(poses[t])) / 2)
    for tiny in others.values():
        tiny.close()
    return {name: median(values) for name, values in times.items()}


def crowded(count: int) -> tuple[SceneSpec, Array]:
    """The table with so many small boxes and cylinders, in a grid."""
    spec = table_scene(0)
    side = int(np.ceil(np.sqrt(count)))
    bodies = list(spec.bodies)
    for i in range(count):
        x, y = 0.2 + 0.55 * (i % side) / side, -0.4 + 0.8 * (i // side) / side
        kind = ("box", "cylinder")[i % 2]
        size = {"x": 0.02, "y": 0.02, "z": 0.03} if i % 2 == 0 else {"radius": 0.01, "height": 0.03}
        pose = (x, y, 0.015, *(float(v) for v in quat_from_yaw(0.1 * i)))
        bodies.append(Body(f"object {i}", Shape(kind, size), pose, 0.1, 1.0))
    spec = resized(dataclasses.replace(spec, bodies=tuple(bodies)), 128, 128)
    still = np.array([b.pose for b in bodies[2:]], np.float32).reshape(-1, 7)
    poses = reach(STEPS)
    arm = poses.shape[1] - len(table_scene().bodies) + 2
    extra = np.broadcast_to(still, (STEPS, *still.shape))
    return spec, np.concatenate([poses[:, :arm], extra], axis=1)


def curve(counts: tuple[int, ...] = (1, 10, 30, 100)) -> list[dict[str, float]]:
    """Cost at 128 x 128 against the number of objects, and their triangles."""
    rows = []
    for count in counts:
        spec, poses = crowded(count)
        renderer = frames.Renderer(spec, gray_look(spec))
        renderer.render(poses[:2])
        times = [cpu_ms(lambda: renderer.render(poses)) / STEPS / 2 for _ in range(5)]  # noqa: B023
        triangles = renderer_module.scene_model(spec, renderer.look).triangles.faces.shape[1]
        rows.append({"objects": count, "triangles": triangles, "ms": median(times)})
    return rows


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


def memory(images: int = 20_000) -> dict[str, float]:
    """Resident MB after a tenth of the images and after all of them, at 128 x 128."""
    spec, poses = resized(table_scene(), 128, 128), reach(50)
    found = {}
    for done in range(0, images, 100):
        if done == images // 10:
            found["after_a_tenth"] = resident_mb()
        look = textured_look(spec)
        frames.Renderer(spec, look).render(poses)
    return {**found, "after_all": resident_mb(), "images": images}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)


def set_up_seconds() -> dict[str, float]:
    """Seconds of `warm_up` in a new process: with nothing cached, with meshes, with everything."""
    code = "from robokiln.frames import warm_up; print(warm_up())"
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "ROBOKILN_CACHE": cache}
        for name in ("first", "again", "kernels_alone"):
            if name == "kernels_alone":
                for folder in Path(cache).glob("kernels-*"):
                    subprocess.run(["rm", "-r", str(folder)], check=True)
            command = [sys.executable, "-c", code]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            found[name] = round(float(done.stdout.split()[-1]), 2)
    return found


def end_to_end(episodes: int = 100) -> dict[str, float]:
    """`robokiln generate` with one worker and two 128 x 128 cameras, per CPU minute.

    The arm moves slower than by default, so that the median demonstration has 100 steps or more.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        command = [sys.executable, "-m", "robokiln.cli", "generate", f"out={out}", "workers=1"]
        command += [f"episodes={episodes}", "image_size=128", "episode.speed=0.19"]
        command += ["episode.max_steps=220"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        units = [json.loads(p.read_text()) for p in sorted(out.glob("units/*/unit.json"))]
        steps = [unit["frames"] for unit in units]
    return {
        "demos_per_minute_per_core": round(60 * len(steps) / cpu, 1),
        "demos_per_wall_minute": round(60 * len(steps) / wall, 1),
        "images_per_second_end_to_end": round(2 * sum(steps) / cpu, 1),
        "steps_median": float(np.median(steps)),
        "accepted": len(steps),
    }


PROTOTYPE = """
import json, sys
sys.path.insert(0, ".")
from common import *; from n4 import *
scene = load(); renderer = N4(scene, scull=False); found = {}
for w, h in RES:
    poses = [poses_cams(scene, k, w, h) for k in range(40)]
    out = outs2(w, h); times = []
    for k in (*range(3), *range(40), *range(40)): frame(renderer, poses[k], w, h, out, times, True)
    found[str(w)] = float(np.median(np.array(times)[3:].sum(1)))
print(json.dumps(found))
"""


def prototype_milliseconds(directory: Path) -> dict[str, float]:
    """The prototype on its own scene, two cameras a pose; `python gen.py` must have been run."""
    command = [sys.executable, "-c", PROTOTYPE]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {size: round(ms, 3) for size, ms in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--prototype", type=Path)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    frames.warm_up()
    result = measure(arguments.rounds, arguments.prototype, arguments.quick)
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text + "\n")


def measure(rounds: int, prototype: Path | None, quick: bool) -> dict[str, Any]:
    spec = table_scene()
    model = renderer_module.scene_model(spec, gray_look(spec))
    ours = {name: milliseconds(size, rounds) for name, size in SIZES.items()}
    tiny = tiny_milliseconds(3 * rounds)
    result: dict[str, Any] = {
        "triangles": model.triangles.faces.shape[1],
        "ms_per_image": {name: m["one"] for name, m in ours.items()},
        "targets_ms": TARGETS,
        "ms_per_image_two_cameras": {name: m["two"] for name, m in ours.items()},
        "ms_per_image_antialiased": {name: m["antialiased"] for name, m in ours.items()},
        "ms_per_image_tinyrenderer": {k: v for k, v in tiny.items() if k != "ours"},
        "times_tinyrenderer": {
            name: round(tiny[name] / tiny["ours"], 1) for name in ("original", "decimated")
        },
    }
    if prototype is not None:
        theirs = prototype_milliseconds(prototype)
        result["ms_per_image_prototype"] = theirs
        ratios = {name: round(theirs[name] / ours[name]["two"], 2) for name in SIZES}
        result["times_prototype"] = ratios
    if not quick:
        result["stages_ms"] = {name: stages(size) for name, size in SIZES.items()}
        result["curve"] = curve()
        result["python_share"] = python_share()
        result["memory_mb"] = memory()
        result["set_up_seconds"] = set_up_seconds()
        result |= end_to_end()
    return result


if __name__ == "__main__":
    main()
