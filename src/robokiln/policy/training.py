"""The one training loop, for every policy."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from robokiln import dataset
from robokiln.files import file_hash, refuse_links, write_json
from robokiln.policy.checkpoint import DESCRIPTION, FORMAT, TrainingState, describe, save_policy
from robokiln.policy.config import TrainConfig
from robokiln.policy.demonstrations import Demonstrations, read_demonstrations
from robokiln.policy.files import read_json, sha256
from robokiln.policy.fit import fit_spec
from robokiln.policy.language import encoder_hash
from robokiln.policy.loader import Loader
from robokiln.policy.log import Log, draw_losses
from robokiln.policy.models import MODELS, build_model
from robokiln.policy.policy import on_device, pick_device
from robokiln.policy.spec import ChunkModel, Inputs, Labels, PolicySpec
from robokiln.serial import to_json
from robokiln.types import RobokilnError, lookup

RUN = "train.json"
LOG_EVERY = 10


@dataclass(frozen=True)
class TrainProgress:
    """Where training stands: `step` of `steps` are done; the speed is of this call."""

    step: int
    steps: int
    loss: float
    samples_per_second: float


Progress = Callable[[TrainProgress], None]
Objective = Callable[[Inputs, Labels], dict[str, Tensor]]


def train(
    dataset_root: Path | str | Sequence[Path | str],
    config: TrainConfig,
    out: Path | str,
    device: str = "auto",
    progress: Progress | None = None,
    threads: int | None = None,
    tensorboard: bool = False,
    decoding: dataset.Progress | None = None,
) -> Path:
    """Train a policy into `out`, on one dataset or several; the same call continues what was
    stopped, or finds it finished.

    The same configuration and dataset give the same weights, bit for bit, on the same CPU with the
    same number of `threads` (default: PyTorch's). `tensorboard` writes events beside the log;
    `decoding` is told of pictures that a dataset's first reader has to decode.
    """

    one = isinstance(dataset_root, (str, Path))
    roots = [Path(root) for root in cast(Sequence[str], [dataset_root] if one else dataset_root)]
    out = Path(out)
    target = pick_device(device)
    uses_images = lookup("model", config.model, MODELS).uses_images
    encoder, digest = encoder_hash(config.language), _datasets_hash(roots)
    if _claim(out, config, digest, encoder):
        return out
    if threads is not None:
        torch.set_num_threads(threads)
    data = read_demonstrations(roots, uses_images, decoding)
    return fit(data, config, out, target, digest, progress, tensorboard)


def fit(
    data: Demonstrations,
    config: TrainConfig,
    out: Path,
    device: torch.device,
    dataset_sha256: str,
    progress: Progress | None = None,
    tensorboard: bool = False,
) -> Path:
    """The loop itself, over demonstrations in memory."""
    spec = fit_spec(data, config)
    loader = Loader(data, spec, config, device)
    state = fresh_state(spec, config, device)
    state.restore(out)
    objective = _objective(state.model, config, device)
    clock, first = time.perf_counter(), state.step
    with closing(Log(out, state.step, tensorboard)) as log:
        while state.step < config.steps:
            losses = step(state, loader, config, device, objective)
            speed = (state.step - first) * config.batch_size / (time.perf_counter() - clock)
            last = state.step == config.steps
            if last or state.step % LOG_EVERY == 0:
                rate = learning_rate(config, state.step - 1)
                line = {"step": state.step, "learning_rate": rate, "samples_per_second": speed}
                log.add(line | losses)
            if last or state.step % config.checkpoint_every == 0:
                state.save(out)
            if progress is not None:
                progress(TrainProgress(state.step, config.steps, losses["loss"], speed))
    draw_losses(out)
    save_policy(out, spec, config, state.average, dataset_sha256)
    return out


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then a cosine to zero."""
    warm = min((step + 1) / (config.warmup_steps + 1), 1.0)
    return config.learning_rate * warm * (1 + math.cos(math.pi * step / config.steps)) / 2


def fresh_state(spec: PolicySpec, config: TrainConfig, device: torch.device) -> TrainingState:
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build_model(spec)
    model = model.to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    return TrainingState(model, copy.deepcopy(model).requires_grad_(False), optimizer)


def _objective(model: ChunkModel, config: TrainConfig, device: torch.device) -> Objective:
    """The model's losses, compiled and in the precision that the configuration asks for."""
    asked = config.precision
    half = asked == "bfloat16" or (asked == "auto" and has_bfloat16(device))
    losses: Objective = torch.compile(model.losses) if config.compile else model.losses

    def objective(inputs: Inputs, labels: Labels) -> dict[str, Tensor]:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            return losses(inputs, labels)

    return objective


def has_bfloat16(device: torch.device) -> bool:
    """A GPU with the hardware for it; on a CPU without, bfloat16 is slower than float32."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


def step(
    state: TrainingState,
    loader: Loader,
    config: TrainConfig,
    device: torch.device,
    objective: Objective,
) -> dict[str, float]:
    """One update of the weights and their average; returns the loss terms and their sum, and the
    gradient's norm before it is clipped."""
    inputs, labels = loader.batch(state.step)
    terms = objective(on_device(inputs, device), on_device(labels, device))
    loss = torch.stack(list(terms.values())).sum()
    values = {name: float(term.detach()) for name, term in terms.items()}
    _check_finite("loss", values, state.step, config)
    state.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = float(torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip))
    _check_finite("gradient", {"norm": norm}, state.step, config)
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(config, state.step)
    state.optimizer.step()
    state.step += 1
    # A young average would otherwise be mostly the random weights that training began with.
    keep = min(config.ema, state.step / (state.step + 10))
    with torch.no_grad():
        pairs = zip(state.average.parameters(), state.model.parameters(), strict=True)
        for average, parameter in pairs:
            average.lerp_(parameter, 1 - keep)
    return {"loss": sum(values.values()), **values, "gradient_norm": norm}


def _check_finite(what: str, values: Mapping[str, float], step: int, config: TrainConfig) -> None:
    """Before the weights are touched, so that the last checkpoint is sound."""
    if not math.isfinite(sum(values.values())):
        raise RobokilnError(
            f"training step {step + 1}: the {what} is not finite ({dict(values)}); "
            f"lower policy.learning_rate ({config.learning_rate}) or check the dataset"
        )


def _datasets_hash(roots: Sequence[Path]) -> str:
    """Of one dataset, or of all their hashes in order."""
    hashes = [_dataset_hash(root) for root in roots]
    return hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode())


def _dataset_hash(root: Path) -> str:
    """Identifies the data: of SHA256SUMS, which holds every file's, else of the statistics."""
    for name in ("SHA256SUMS", "meta/stats.json", "meta/info.json"):
        if (root / name).is_file():
            return file_hash(root / name)
    raise RobokilnError(f"{root}: is not a LeRobot dataset; meta/info.json is missing")


def _claim(out: Path, config: TrainConfig, dataset_sha256: str, encoder_sha256: str) -> bool:
    """Make `out` this run's; True where it is finished, an error where it is something else's."""
    run = {"format": FORMAT, "config": to_json(config), "dataset_sha256": dataset_sha256}
    if encoder_sha256:
        run["encoder_sha256"] = encoder_sha256
    if out.exists() and not out.is_dir():
        raise RobokilnError(f"{out}: is not a directory")
    if out.exists() and any(out.iterdir()) and not (out / RUN).exists():
        raise RobokilnError(f"{out}: is not empty and holds no training run; choose another")
    refuse_links(out)
    if (out / RUN).exists():
        _same_run(out, read_json(out / RUN), run)
    else:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / RUN, run)
    if not (out / DESCRIPTION).exists():
        return False
    describe(out)
    return True


def _same_run(out: Path, old: object, new: dict[str, object]) -> None:
    before, now = _flat(old), _flat(new)
    changes = [
        f"{key}: {before.get(key, 'nothing')} there, {now.get(key, 'nothing')} now"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if changes:
        raise RobokilnError(f"{out}: holds another training run ({'; '.join(changes)})")


def _flat(run: object) -> dict[str, object]:
    if not isinstance(run, dict):
        return {"run": run}
    config = run.get("config")
    return {**run, "config": None, **(config if isinstance(config, dict) else {})}
