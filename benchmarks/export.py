"""How long a chunk takes on one core: the exported policy beside torch eager, whole predictions.

    python benchmarks/export.py
    python benchmarks/export.py --policy out/policy --dataset out/mine/dataset --json out/e.json

Without --policy, two demonstrations are made and configs/policy/small.yaml is trained for one step:
what a chunk takes doesn't depend on the weights. The target is for a core's time, which other work
on the machine hardly changes; exit code 1 if it is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from robokiln import deploy
from robokiln.cli import main as robokiln
from robokiln.policy import load
from robokiln.policy.export import dataset_samples, export

TARGET_MS = 6.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        policy, root = options.policy, options.dataset
        if policy is None or root is None:
            policy, root = make(Path(scratch))
        facts = measure(policy, root, Path(scratch) / "onnx", options.rounds)
    for name in ("onnxruntime", "torch"):
        cpu, wall = facts[name]["cpu_ms"], facts[name]["wall_ms"]
        print(f"{name:<12} median {cpu:6.2f} ms of a core, {wall:6.2f} ms on the wall")
    print(f"largest difference {facts['largest_difference']:.1e}, graph {facts['mb']:.1f} MB")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    met = facts["onnxruntime"]["cpu_ms"] <= TARGET_MS
    print(f"{'met' if met else 'MISSED'}: at most {TARGET_MS} ms of a core")
    raise SystemExit(0 if met else 1)


def make(scratch: Path) -> tuple[Path, Path]:
    """A policy of the default size, and the demonstrations that it was trained on."""
    root, policy = scratch / "run" / "dataset", scratch / "policy"
    assert robokiln(["generate", "episodes=2", f"out={root.parent}", "workers=1"]) == 0
    assert robokiln(["train", f"dataset={root}", f"out={policy}", "policy.steps=1"]) == 0
    return policy, root


def measure(directory: Path, root: Path, out: Path, rounds: int) -> dict[str, Any]:
    """Medians of whole predictions: cropping, tokens, normalisation and transform included."""
    samples = dataset_samples(root)
    export(directory, out, samples, str(root))
    exported, eager = deploy.load(out, threads=1), load(directory, "cpu", threads=1)
    pictures = {name: image[None] for name, image in samples[0].images.items()}
    asked = (pictures, samples[0].proprioception[None], [samples[0].instruction])
    runs: dict[str, Callable[[], object]] = {
        "onnxruntime": lambda: exported.predict(*asked),
        "torch": lambda: eager.predict(*asked),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    # In turns, so that whatever else the machine does meets both.
    for _ in range(rounds):
        for name, run in runs.items():
            wall, cpu = time.perf_counter(), time.thread_time()
            run()
            spent = time.perf_counter() - wall, time.thread_time() - cpu
            times[name].append(spent)
    manifest = deploy.read_manifest(out)
    return {
        "largest_difference": manifest.check.largest_difference,
        "mb": (out / deploy.GRAPH).stat().st_size / 1e6,
        **{
            name: {
                "wall_ms": 1e3 * statistics.median(w for w, _ in found),
                "cpu_ms": 1e3 * statistics.median(c for _, c in found),
            }
            for name, found in times.items()
        },
    }


if __name__ == "__main__":
    main()
