"""LeRobotDataset v3.0: writer, reader, statistics, card and checks.

dataset = robokiln.dataset.open("out/dataset", chunk=16)
loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
"""

from robokiln.dataset.assemble import assemble
from robokiln.dataset.cameras import RecordedCamera, read_cameras, write_cameras
from robokiln.dataset.card import CardFacts, card_is_intact, write_card
from robokiln.dataset.check import check
from robokiln.dataset.checksums import (
    damages,
    read_checksums,
    verify_checksums,
    write_checksums,
)
from robokiln.dataset.depth import depth_histogram
from robokiln.dataset.features import (
    ACTION,
    DEPTH,
    EXECUTED_ACTION,
    FINGER_FORCE,
    IMAGES,
    JOINT_POSITION,
    JOINT_TARGET,
    JOINT_TORQUE,
    JOINT_VELOCITY,
    PUSH,
    STATE,
    SUBTASK,
    TARGET_GOAL_POSE,
    WRIST_WRENCH,
    standard_features,
)
from robokiln.dataset.info import DatasetInfo, read_json_line
from robokiln.dataset.label_reader import StoredLabels
from robokiln.dataset.labels import (
    Boxes,
    CameraLabels,
    EpisodeLabels,
    Runs,
    from_runs,
    to_runs,
)
from robokiln.dataset.layout import CARD, CHECKSUMS, INFO, DatasetError
from robokiln.dataset.pictures import Pictures
from robokiln.dataset.reader import Dataset, Progress, open
from robokiln.dataset.records import EpisodeRecord
from robokiln.dataset.video import encode_depth, encode_video, image_histogram, video_shape

__all__ = [
    "ACTION",
    "CARD",
    "CHECKSUMS",
    "DEPTH",
    "EXECUTED_ACTION",
    "FINGER_FORCE",
    "IMAGES",
    "INFO",
    "JOINT_POSITION",
    "JOINT_TARGET",
    "JOINT_TORQUE",
    "JOINT_VELOCITY",
    "PUSH",
    "STATE",
    "SUBTASK",
    "TARGET_GOAL_POSE",
    "WRIST_WRENCH",
    "Boxes",
    "CameraLabels",
    "CardFacts",
    "Dataset",
    "DatasetError",
    "DatasetInfo",
    "EpisodeLabels",
    "EpisodeRecord",
    "Pictures",
    "Progress",
    "RecordedCamera",
    "Runs",
    "StoredLabels",
    "assemble",
    "card_is_intact",
    "check",
    "damages",
    "depth_histogram",
    "encode_depth",
    "encode_video",
    "from_runs",
    "image_histogram",
    "open",
    "read_cameras",
    "read_checksums",
    "read_json_line",
    "standard_features",
    "to_runs",
    "verify_checksums",
    "video_shape",
    "write_cameras",
    "write_card",
    "write_checksums",
]
