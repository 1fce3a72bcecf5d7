"""Base classes that lerobot derives its augmentations from; none is used here."""


class Transform:
    """Stands in for torchvision.transforms.v2.Transform."""
