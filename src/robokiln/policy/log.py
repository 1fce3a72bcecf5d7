"""train_log.jsonl and its picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from robokiln.files import write_file
from robokiln.types import RobokilnError

LOG, PICTURE, EVENTS = "train_log.jsonl", "loss.png", "tensorboard"
NOT_LOSSES = ("step", "learning_rate", "samples_per_second", "gradient_norm")


def read_log(out: Path, steps: int) -> list[dict[str, Any]]:
    """The whole lines up to a step; a kill may have torn the last one."""
    path = out / LOG
    lines = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return [line for line in lines if line["step"] <= steps]


def rewind_log(out: Path, steps: int) -> None:
    """Forget what came after the checkpoint at `steps`; it will come again."""
    kept = read_log(out, steps)
    write_file(out / LOG, "".join(json.dumps(line) + "\n" for line in kept).encode())


class Log:
    """train_log.jsonl, and TensorBoard's events beside it where they are asked for."""

    def __init__(self, out: Path, step: int, tensorboard: bool = False) -> None:
        rewind_log(out, step)
        self._path = out / LOG
        self._board = _board(out / EVENTS, step) if tensorboard else None

    def add(self, line: dict[str, float]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({k: float(f"{v:.6g}") for k, v in line.items()}) + "\n")
        if self._board is not None:
            for name, value in line.items():
                if name != "step":
                    self._board.add_scalar(name, value, int(line["step"]))

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise RobokilnError(
            "tensorboard: the package is missing; pip install 'robokiln[tensorboard]'"
        ) from None
    # Events of steps that a kill undid are hidden once these come.
    return SummaryWriter(str(folder), purge_step=step)


def draw_losses(out: Path) -> None:
    """loss.png: every term and their sum over the steps."""
    lines = read_log(out, 2**62)
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = np.array([line["step"] for line in lines])
    for name in (key for key in lines[-1] if key not in NOT_LOSSES):
        smooth = _smoothed(np.array([line[name] for line in lines]))
        width = 2.0 if name == "loss" else 1.0
        axes.plot(steps, smooth, label=f"{name} {smooth[-1]:.3g}", linewidth=width)
    axes.set(xlabel="training step", ylabel="loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(out / PICTURE, dpi=120, metadata={"Software": None})


def _smoothed(values: np.ndarray[Any, Any], window: int = 9) -> np.ndarray[Any, Any]:
    """A running mean over the last `window` values."""
    total = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    smooth: np.ndarray[Any, Any] = (total[ends] - total[starts]) / (ends - starts)
    return smooth
