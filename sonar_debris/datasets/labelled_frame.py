"""A frame on disk together with its ground truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class LabelledFrame:
    """A frame's file and its labelled boxes.

    Attributes:
        name: the frame's stem, the key in split tables.
        path: its image file.
        xyxy: ``(N, 4)`` float32 boxes in pixels of the frame: left, top, right, bottom.
        class_id: ``(N,)`` int64 indices into the dataset's class names.
    """

    name: str
    path: Path
    xyxy: np.ndarray
    class_id: np.ndarray
