"""What public functions take and return, in the words of type checkers."""

import os
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

#: ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.
Image: TypeAlias = npt.NDArray[np.uint8]
Array: TypeAlias = npt.NDArray[Any]
Path: TypeAlias = str | os.PathLike[str]
#: Whatever `load_image` takes; an address is a ``str``.
Source: TypeAlias = Path | bytes | BinaryIO | PillowImage.Image | npt.ArrayLike
#: Height and width.
Size: TypeAlias = tuple[int, int]

Network: TypeAlias = Literal["vgg16", "vgg19"]
Pooling: TypeAlias = Literal["max", "average"]
Padding: TypeAlias = Literal["zero", "reflect"]
Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "auto"]
Resampling: TypeAlias = Literal["lanczos", "bicubic", "bilinear", "nearest"]
Strength: TypeAlias = Literal["low", "medium", "high"] | float
Optimizer: TypeAlias = Literal["lbfgs", "adam", "sgd"]

#: Weighted losses by name: ``"total"``, ``"content"``, ``"style"``, ``"tv"``.
Losses: TypeAlias = dict[str, float]
#: Called with the number of the evaluation, its losses and its picture in VGG space.
Callback: TypeAlias = Callable[[int, Losses, Array], object]
#: Changes of the settings of a recipe, by name.
Changes: TypeAlias = Mapping[str, Any]
