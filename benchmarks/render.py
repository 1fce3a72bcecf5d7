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
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from render_inside import python_share, stages
from render_scenes import (
    SIZES,
    STEPS,
    TinyRenderer,
    cpu_ms,
    crowded,
    gray_look,
    median,
    reach,
    resized,
    table_scene,
    textured_look,
)
from robokiln import frames
from robokiln.frames.model import scene_model
from robokiln.types import Array, Camera

TARGETS = {"128": 2.0, "224": 3.5, "640": 14.0}
PORTION = 10
"""Steps a call: hundreds of megabytes at once would measure the system's memory instead."""


def draw(
    renderer: frames.Renderer, portions: list[Array], cameras: tuple[Camera, ...] | None = None
) -> None:
    for poses in portions:
        renderer.render(poses, cameras)


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


def curve(counts: tuple[int, ...] = (1, 10, 30, 100)) -> list[dict[str, float]]:
    """Cost at 128 x 128 against the number of objects, and their triangles."""
    rows = []
    for count in counts:
        spec, poses = crowded(count)
        renderer = frames.Renderer(spec, gray_look(spec))
        renderer.render(poses[:2])
        times = [cpu_ms(lambda: renderer.render(poses)) / STEPS / 2 for _ in range(5)]  # noqa: B023
        triangles = scene_model(spec, renderer.look).triangles.faces.shape[1]
        rows.append({"objects": count, "triangles": triangles, "ms": median(times)})
    return rows


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
    """Seconds of `warm_up` in a new process: nothing cached, everything, and meshes alone."""
    code = "from robokiln.frames import warm_up; print(warm_up())"
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "ROBOKILN_CACHE": cache}
        for name in ("first", "again", "kernels_alone"):
            if name == "kernels_alone":
                for folder in Path(cache).glob("kernels-*"):
                    shutil.rmtree(folder)
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
    model = scene_model(spec, gray_look(spec))
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
