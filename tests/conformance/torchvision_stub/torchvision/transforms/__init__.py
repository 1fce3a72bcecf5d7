"""lerobot imports this; reading a dataset as it is transforms nothing."""

from torch import Tensor


class ToTensor:
    """Named where lerobot reads images out of Parquet; robokiln writes video."""

    def __call__(self, image: object) -> Tensor:
        raise NotImplementedError("the datasets under test hold no image columns")
