"""LeRobotDataset v3.0: writer, reader, statistics, card and checks.

dataset = robokiln.dataset.open("out/dataset", chunk=16)
loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
"""

from robokiln.dataset.assemble import assemble
from robokiln.dataset.cameras import RecordedCamera, read_cameras, write_cameras
from robokiln.dataset.card import CardFacts, write_card
from robokiln.dataset.check import check
from robokiln.dataset.checksums import verify_checksums, write_checksums
from robokiln.dataset.features import (
    ACTION,
    EXECUTED_ACTION,
    FINGER_FORCE,
    IMAGES,
    JOINT_POSITION,
    JOINT_TARGET,
    JOINT_TORQUE,
    JOINT_VELOCITY,
    STATE,
    SUBTASK,
    TARGET_GOAL_POSE,
    WRIST_WRENCH,
    standard_features,
)
from robokiln.dataset.info import DatasetInfo
from robokiln.dataset.layout import DatasetError
from robokiln.dataset.reader import Dataset, open
from robokiln.dataset.records import EpisodeRecord
from robokiln.dataset.video import encode_video, image_histogram, video_shape

__all__ = [
    "ACTION",
    "EXECUTED_ACTION",
    "FINGER_FORCE",
    "IMAGES",
    "JOINT_POSITION",
    "JOINT_TARGET",
    "JOINT_TORQUE",
    "JOINT_VELOCITY",
    "STATE",
    "SUBTASK",
    "TARGET_GOAL_POSE",
    "WRIST_WRENCH",
    "CardFacts",
    "Dataset",
    "DatasetError",
    "DatasetInfo",
    "EpisodeRecord",
    "RecordedCamera",
    "assemble",
    "check",
    "encode_video",
    "image_histogram",
    "open",
    "read_cameras",
    "standard_features",
    "verify_checksums",
    "video_shape",
    "write_cameras",
    "write_card",
    "write_checksums",
]
