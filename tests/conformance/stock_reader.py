"""Stock lerobot and stock readers in environments of their own, built at the first use.

Their pins are broken on purpose: they ask for packages of many gigabytes that nothing here needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VENV = ROOT / ".venv-lerobot"
LEROBOT = ["lerobot==0.4.4"]
PACKAGES = [
    "torch==2.13.0",
    "datasets>=4",
    "pandas<3",
    "av>=15,<16",
    "accelerate",
    "draccus==0.10.0",
    "diffusers<0.36",
    "einops",
    "pyserial",
    "jsonlines",
    "deepdiff",
    "imageio",
    "imageio-ffmpeg",
    "termcolor",
    "safetensors",
    "packaging",
]
OURS = ("gymnasium", "numba", "pillow", "pybullet", "PyYAML", "scipy", "trimesh")
"""What robokiln's environments need of constraints.txt; its other pins contradict lerobot's."""
PLUGIN = [ROOT, ROOT / "plugins" / "lerobot_env_robokiln"]
"""Installed beside lerobot, as they lie here."""

EXPORTS_VENV = ROOT / ".venv-exports"
"""Readers of what `robokiln export` writes: the last lerobot of v2.1, and robomimic."""
EXPORTS_READERS = ["lerobot==0.3.3", "robomimic==0.3.0"]
EXPORTS_PACKAGES = [
    "torch==2.13.0",
    "datasets>=3,<=3.6",
    "pandas<3",
    "av>=15,<16",
    "huggingface_hub<1",
    "draccus==0.10.0",
    "einops",
    "pyserial",
    "jsonlines",
    "deepdiff",
    "imageio",
    "termcolor",
    "safetensors",
    "packaging",
    "h5py",
    "tqdm",
]


def ensure_environment(exports: bool = False) -> Path:
    """Its Python, after installing what is missing; needs a package index the first time."""
    venv = EXPORTS_VENV if exports else VENV
    packages, alone = (EXPORTS_PACKAGES, EXPORTS_READERS) if exports else _with_plugin()
    python, ready = venv / "bin" / "python", venv / "ready"
    wanted = "\n".join([*packages, *alone])
    if not ready.exists() or ready.read_text() != wanted:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *packages], check=True)
        subprocess.run([*pip, "--no-deps", *alone], check=True)
        ready.write_text(wanted)
    return python


def run(script: str, *arguments: str, home: Path, exports: bool = False) -> None:
    """Run a script of this folder beside its readers, offline; caches stay under `home`."""
    _run(ensure_environment(exports), [str(HERE / script), *arguments], home)


def run_module(module: str, *arguments: str, home: Path) -> None:
    """Run a module of lerobot's in the same way."""
    _run(ensure_environment(), ["-m", module, *arguments], home)


def _with_plugin() -> tuple[list[str], list[str]]:
    """Packages with what they depend on, and those without: lerobot, robokiln and its plug-in."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if line.partition("==")[0] in OURS]
    return [*PACKAGES, *pinned], [*LEROBOT, *(f"--editable={path}" for path in PLUGIN)]


def _run(python: Path, arguments: list[str], home: Path) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(HERE / "torchvision_stub"),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(home / "hf"),
        "OMP_NUM_THREADS": "1",
        "SVT_LOG": "1",
    }
    subprocess.run([str(python), *arguments], check=True, env=environment)


if __name__ == "__main__":
    print(ensure_environment())
