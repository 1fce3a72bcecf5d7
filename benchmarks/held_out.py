"""What policies make of demonstrations that they never saw: losses, and where they point.

    robokiln generate task=stack_two episodes=24 seed=991 out=out/unseen
    python benchmarks/held_out.py out/unseen/dataset out/policy out/other_policy

Losses are those of training, in the middle crop, with proprioception and the episode's own words.
Distances are between where a policy places a named role and where it is (mm), pixels between where
it points and where that is in the picture, of the roles that can be seen in it, degrees between how
it takes a role to be turned as the tool sees it and how it is, of those more than 3 degrees askew;
"far" is the share of places that are off by more than 30 mm, "taken" that of things that can't be
seen in a picture and are pointed at all the same. Of two things less than 10 cm apart it tells by
how much their distance is mistaken as the difference of their places, and then as the way between
them, which second looks correct (mm). A minute a policy; success in closed loop, which
is what counts, takes hours to tell two of them apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robokiln import policy
from robokiln.files import write_json
from robokiln.policy.config import TrainConfig
from robokiln.policy.demonstrations import Demonstrations, read_demonstrations
from robokiln.policy.facing import degrees_between, quarter_of, seen_by_tool
from robokiln.policy.loader import Loader
from robokiln.policy.models.between import NEAR, PAIRS, both_of, ways_of
from robokiln.policy.models.image import ImageModel, Looked
from robokiln.policy.roles import ROLES
from robokiln.policy.spec import Inputs, Labels, center_offsets
from robokiln.types import RobokilnError

BATCH = 128
FAR = 30.0
"""Millimetres by which a place is of no use."""
ASKEW = 3.0
"""Degrees from which on the tool has to turn."""
PLAIN = TrainConfig(
    model="image", steps=1, width=64, batch_size=BATCH,
    proprioception_dropout=0, hindsight=0, place_noise=0, blindness=0,
)  # fmt: skip
"""Nothing of what training adds to the samples."""


def held_out(data: Demonstrations, where: Path) -> dict[str, Any]:
    """The figures of one policy; losses are means over all frames."""
    trained = policy.load(where, "cpu")
    model, spec = trained.model, trained.spec
    if not isinstance(model, ImageModel):
        raise SystemExit(f"{where}: expected a policy of pictures, got '{spec.model}'")
    loader = Loader(data, spec, PLAIN)
    terms: dict[str, list[float]] = {}
    apart: list[np.ndarray] = []
    turned: list[np.ndarray] = []
    pixels: dict[str, list[np.ndarray]] = {camera.name: [] for camera in spec.cameras}
    taken: dict[str, list[np.ndarray]] = {camera.name: [] for camera in spec.cameras}
    known, ways = [], []
    for start in range(0, len(data), BATCH):
        rows = np.arange(start, min(start + BATCH, len(data)))
        corners = center_offsets(spec, len(rows))
        inputs, labels = loader.gather(rows, corners, np.random.default_rng(0))
        with torch.inference_mode():
            for name, value in model.losses(inputs, labels).items():
                terms.setdefault(name, []).append(float(value) * len(rows))
            found = model.look(inputs)
        away = spec.position.inverse(found.places.double().numpy()) - data.places[rows]
        apart.append(np.linalg.norm(away, axis=-1) * 1000)
        known.append(labels.named.numpy() > 0)
        ways.append(ways_off(model, inputs, labels, found))
        turned.append(degrees_off(data, rows, found.quarters.numpy()))
        for name, view in found.views.items():
            there = labels.pixels[name].numpy()
            size = inputs.images[name].shape[2:0:-1]
            inside = ((there >= 0) & (there < [*size, np.inf])).all(-1)
            inside &= labels.visible[name].numpy() > 0
            off = np.linalg.norm(view.close.keypoints.numpy() - there[..., :2], axis=-1)
            pixels[name].append(np.where(inside & known[-1], off, np.nan).ravel())
            taken[name].append(view.seen.numpy()[~inside & known[-1]] > 0.5)
    counted, distance = np.concatenate(known), np.concatenate(apart)
    turns = np.where(counted, np.concatenate(turned), np.nan)
    named = [(i, role) for i, role in enumerate(ROLES) if counted[:, i].any()]
    by_role = {role: distance[counted[:, i], i] for i, role in named}
    unseen = {name: np.concatenate(found) for name, found in taken.items()}
    return {
        "losses": {name: sum(values) / len(data) for name, values in terms.items()},
        "mm": {role: _spread(found) for role, found in by_role.items()},
        "near": near(np.concatenate(ways)),
        "degrees": {r: _spread(turns[:, i]) for i, r in named if np.isfinite(turns[:, i]).any()},
        "far": {role: float((found > FAR).mean()) for role, found in by_role.items()},
        "pixels": {name: _spread(np.concatenate(found)) for name, found in pixels.items()},
        "taken": {name: float(found.mean()) for name, found in unseen.items() if len(found)},
    }


def degrees_off(data: Demonstrations, rows: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Between quarters [N, R, 2] and how the tool sees the roles turned in these rows: [N, R], NaN
    for those that are not askew."""
    sides = data.stands[rows][..., 3:].astype(np.float64)
    truth = quarter_of(seen_by_tool(sides, data.proprioception[rows]))
    askew = degrees_between(truth, np.array([1.0, 0.0])) > ASKEW
    return np.where(askew, degrees_between(quarters, truth), np.nan)


def ways_off(model: ImageModel, inputs: Inputs, labels: Labels, found: Looked) -> np.ndarray:
    """By how much (mm) the distance of things that are near each other is mistaken, by the
    difference of their places and by the way between them: [N, PAIRS, 2], NaN of others."""
    truth, guess = (
        ways_of(model.away(inputs, places)) for places in (labels.positions, found.places)
    )
    counted = (both_of(labels.named * labels.there) > 0) & (truth.norm(dim=-1) < NEAR)
    off = torch.stack([(told - truth).norm(dim=-1) for told in (guess, found.ways)], -1)
    return np.where(counted[..., None].numpy(), 1000 * off.numpy(), np.nan)


def near(off: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    """By pair, the spread of both kinds."""
    names = [*ROLES, "tool"]
    return {
        f"{names[a]}-{names[b]}": {
            "places": _spread(off[:, i, 0]), "way": _spread(off[:, i, 1]),
        }
        for i, (a, b) in enumerate(PAIRS) if np.isfinite(off[:, i]).any()
    }  # fmt: skip


def _spread(values: np.ndarray) -> dict[str, float]:
    values = values[np.isfinite(values)]
    return {"median": float(np.median(values)), "p90": float(np.quantile(values, 0.9))}


def row(name: str, facts: dict[str, Any]) -> str:
    """One line for people."""
    losses = "  ".join(f"{key} {value:.4f}" for key, value in facts["losses"].items())
    rest = "  ".join(
        f"{key} {found['median']:.1f}/{found['p90']:.1f} {unit}"
        for unit, part in (("mm", facts["mm"]), ("deg", facts["degrees"]), ("px", facts["pixels"]))
        for key, found in part.items()
    )
    shares = "  ".join(
        f"{key} {kind} {100 * share:.1f} %"
        for kind in ("far", "taken")
        for key, share in facts[kind].items()
    )
    ways = "  ".join(
        f"{pair} {f['places']['median']:.1f}/{f['places']['p90']:.1f} mm by places, "
        f"{f['way']['median']:.1f}/{f['way']['p90']:.1f} mm"
        for pair, f in facts["near"].items()
    )
    return f"{name}: {losses}  {rest}  {ways}  {shares}"


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path, help="demonstrations that no policy was trained on")
    parser.add_argument("policy", type=Path, nargs="+")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(given)
    data, found = read_demonstrations([options.dataset]), {}
    for where in options.policy:
        found[str(where)] = held_out(data, where)
        print(row(str(where), found[str(where)]), flush=True)
    if options.json:
        write_json(options.json, json.loads(json.dumps(found)))


if __name__ == "__main__":
    try:
        main()
    except RobokilnError as error:
        raise SystemExit(str(error)) from None
