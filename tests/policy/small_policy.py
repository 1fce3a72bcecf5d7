"""A policy that trains in seconds."""

from robokiln.policy import TrainConfig

SMALL = TrainConfig(
    model="image", steps=4, width=16, batch_size=4, chunk=4, execute=2, checkpoint_every=2
)
