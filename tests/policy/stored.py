"""Synthetic demonstrations as a dataset on disk, by the project's own writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from synthetic import CONTROL_HZ

from robokiln import dataset
from robokiln.policy.demonstrations import Demonstrations
from robokiln.types import Camera

JOINTS = 7


def write_dataset(root: Path, parts: Path, data: Demonstrations, hz: int = CONTROL_HZ) -> Path:
    """Assemble `data` into the new directory `root`; `parts` holds the single videos."""
    records = [_record(parts, data, e, hz) for e in range(len(data.bounds))]
    cameras = [Camera(c.name, c.width, c.height, c.fov, c.pose) for c in data.cameras[0]]
    features = dataset.standard_features(cameras, JOINTS)
    dataset.assemble(root, records, features, hz, "panda", ["move"], 120)
    dataset.write_cameras(root, data.cameras[0])
    dataset.write_checksums(root)
    return root


def _record(parts: Path, data: Demonstrations, episode: int, hz: int) -> dataset.EpisodeRecord:
    rows = slice(*data.bounds[episode])
    steps = len(data.action[rows])
    joints = np.zeros((steps, JOINTS), np.float32)
    columns = {
        dataset.STATE: data.proprioception[rows],
        dataset.JOINT_POSITION: joints,
        dataset.JOINT_VELOCITY: joints,
        dataset.JOINT_TORQUE: joints,
        dataset.WRIST_WRENCH: joints[:, :6],
        dataset.FINGER_FORCE: joints[:, :2],
        dataset.TARGET_GOAL_POSE: data.target_goal_pose[rows],
        dataset.ACTION: data.action[rows],
        dataset.EXECUTED_ACTION: data.action[rows],
        dataset.JOINT_TARGET: joints,
        dataset.PUSH: joints[:, :4],
        dataset.SUBTASK: np.zeros((steps, 1), np.int64),
    }
    videos, histograms = {}, {}
    for name, frames in data.frames.items():
        key = dataset.IMAGES + name
        videos[key] = parts / f"{name}_{episode}.mp4"
        dataset.encode_video(videos[key], frames.parts[0][rows], hz)
        histograms[key] = dataset.image_histogram(frames.parts[0][rows])
    return dataset.EpisodeRecord(columns, data.instructions[episode], videos, histograms, {})
