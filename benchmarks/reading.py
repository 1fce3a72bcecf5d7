"""How fast frames are read at random: ours, a raw memory map, and LeRobot's own loader, in one run.

    python benchmarks/reading.py --json out/reading.json

Makes a dataset (40 episodes, two cameras of 224 x 224; or give --dataset) and an environment for
the stock lerobot 0.4.4 (.venv-lerobot, as `make test-lerobot` does). A row is the median of rounds;
"a core" counts CPU seconds, of all threads and workers, so that a busy machine changes little. All
rows read both cameras, every column and the next CHUNK actions of a frame.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from robokiln import dataset
from robokiln.dataset.cache import LIMIT_VARIABLE

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "conformance"))

import stock_reader  # noqa: E402

TORCHCODEC = "torchcodec==0.13.0"
"""The release for the stock reader's torch."""
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--chunk", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=20, help="of 64 samples, a round")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        root = options.dataset or generate(work, options.episodes, options.image_size)
        os.environ["ROBOKILN_CACHE"] = str(work / "cache")
        found = measure(root, work, options)
    print(table(found))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def generate(work: Path, episodes: int, size: int) -> Path:
    """A dataset as any user makes it."""
    command = [sys.executable, "-m", "robokiln.cli", "generate", f"out={work / 'run'}"]
    subprocess.run([*command, f"episodes={episodes}", f"image_size={size}"], check=True)
    return work / "run" / "dataset"


def measure(root: Path, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The cold pass first, then every way to read."""
    data = dataset.open(root, options.chunk)
    began = cpu_seconds(), time.perf_counter()
    data.decode()
    cold = {"cpu_s": cpu_seconds() - began[0], "wall_s": time.perf_counter() - began[1]}
    pictures = len(data) * len(data.info.videos)
    shape = data.frames(data.info.videos[0]).shape
    found = {
        "frames": len(data),
        "cameras": len(data.info.videos),
        "shape": list(shape[1:]),
        "chunk": options.chunk,
        "cores": os.cpu_count(),
        "cold": cold | {"pictures": pictures, "bytes": pictures * int(np.prod(shape[1:]))},
    }
    rows = ours(data, root, options)
    for backend in ("pyav", "torchcodec"):
        rows[f"LeRobot 0.4.4, {backend}"] = lerobot(root, backend, work, options)
    return found | {"rows": rows}


def ours(data: dataset.Dataset, root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Each way in turn, round by round, over the same random rows."""
    with without_cache():
        unstored = dataset.open(root, options.chunk)
        unstored.decode()
    files = sorted(Path(os.environ["ROBOKILN_CACHE"], "pictures").glob("*.rgb"))
    shape = data.frames(data.info.videos[0]).shape
    maps = [np.memmap(file, np.uint8, "r", shape=shape) for file in files]
    ways: dict[str, Callable[[np.ndarray], object]] = {
        "raw np.memmap, the pictures alone": lambda rows: [m[rows] for m in maps],
        "ds.batch(rows)": data.batch,
        "DataLoader, batches by its sampler": lambda rows: drain(sampled(data, len(rows))),
        "DataLoader, batch_size=64": lambda rows: drain(plain(data, len(rows), 0)),
        "DataLoader, batch_size=64, 2 workers": lambda rows: drain(plain(data, len(rows), 2)),
        "ds[i]": lambda rows: [data[int(i)] for i in rows],
        f"ds.batch(rows), {LIMIT_VARIABLE}=0": unstored.batch,
    }
    rng = np.random.default_rng(0)
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for warm in range(options.rounds + 1):
        for name, way in ways.items():
            # A worker's start is spread over what an epoch may have; slow ways are cut short.
            scale = 0.1 if way == unstored.batch else 4 if "workers" in name else 1
            count = max(1, int(scale * options.batches))
            each = [rng.integers(0, len(data), BATCH) for _ in range(count)]
            if "DataLoader" in name:
                each = [np.concatenate(each)]
            began = cpu_seconds()
            for rows in each:
                way(rows)
            if warm:
                cpu[name].append((cpu_seconds() - began) / (BATCH * count))
    return {name: {"cpu": seconds} for name, seconds in cpu.items()}


def sampled(data: dataset.Dataset, samples: int) -> DataLoader:
    """The fast way: the dataset makes the batch, and nothing is copied again."""
    sampler = BatchSampler(RandomSampler(data, num_samples=samples), BATCH, drop_last=False)
    return DataLoader(data, batch_size=None, sampler=sampler)


def plain(data: dataset.Dataset, samples: int, workers: int) -> DataLoader:
    """As most people write it."""
    sampler = RandomSampler(data, num_samples=samples)
    return DataLoader(data, batch_size=BATCH, sampler=sampler, num_workers=workers)


def drain(loader: DataLoader) -> None:
    """Read everything."""
    for _ in loader:
        pass


def lerobot(root: Path, backend: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Its rounds, or the last line of why it doesn't run."""
    python, output = stock_reader.ensure_environment(), work / f"{backend}.json"
    environment = os.environ | {
        "PYTHONPATH": str(stock_reader.HERE / "torchvision_stub"),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(work / "hf"),
        "OMP_NUM_THREADS": "1",
    }
    if backend == "torchcodec":
        environment["LD_LIBRARY_PATH"] = str(torchcodec(python))
    arguments = [str(root), backend, *map(str, (options.chunk, BATCH, options.rounds)), str(output)]
    command = [str(python), str(HERE / "reading_lerobot.py"), *arguments]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def torchcodec(python: Path) -> Path:
    """Install it; a folder with the FFmpeg that it needs, by links to the one in PyAV's wheel."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, TORCHCODEC], check=True)
    packages = next(python.parents[1].glob("lib/python3*/site-packages"))
    links = python.parents[1] / "ffmpeg"
    links.mkdir(exist_ok=True)
    for library in (packages / "av.libs").iterdir():
        name, _, version = library.name.partition(".so")
        plain = f"{name.rpartition('-')[0]}.so{'.'.join(version.split('.')[:2])}"
        for link in (links / library.name, links / plain):
            if not link.exists():
                link.symlink_to(library.resolve())
    return links


@contextmanager
def without_cache() -> Iterator[None]:
    """Nothing is kept that is opened meanwhile."""
    os.environ[LIMIT_VARIABLE], before = "0", os.environ["ROBOKILN_CACHE"]
    os.environ["ROBOKILN_CACHE"] = f"{before}-none"
    try:
        yield
    finally:
        os.environ["ROBOKILN_CACHE"] = before
        del os.environ[LIMIT_VARIABLE]


def cpu_seconds() -> float:
    """Of this process with its threads, and of the children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def table(found: dict[str, Any]) -> str:
    """Markdown, as docs/reading.md has it."""
    rates = {n: 1 / median(row["cpu"]) for n, row in found["rows"].items() if "cpu" in row}
    raw = rates["raw np.memmap, the pictures alone"]
    theirs = max((rate for name, rate in rates.items() if "LeRobot" in name), default=None)
    cold = found["cold"]
    lines = [
        f"{found['frames']} frames, {found['cameras']} cameras of {found['shape']}, "
        f"chunks of {found['chunk']}; cold pass: {cold['pictures']} pictures "
        f"({cold['bytes'] / 1e9:.2f} GB) in {cold['wall_s']:.1f} s, {cold['cpu_s']:.1f} s of CPU, "
        f"{1e6 * cold['cpu_s'] / cold['pictures']:.0f} us of CPU a picture",
        "",
        "| way to read | samples/s a core | of the raw map | times the faster LeRobot |",
        "|---|---|---|---|",
    ]
    for name, row in found["rows"].items():
        if "cpu" not in row:
            lines.append(f"| {name} | doesn't run: {row['failed']} | | |")
            continue
        times = f"{rates[name] / theirs:.1f}" if theirs else ""
        lines.append(f"| {name} | {rates[name]:,.0f} | {rates[name] / raw:.0%} | {times} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
