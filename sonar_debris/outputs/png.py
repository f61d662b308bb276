"""PNG files."""

from pathlib import Path

import cv2
import numpy as np


def write_png(path: Path, image: np.ndarray) -> None:
    """Write a uint8 image, grey or BGR; an OSError says what went wrong, which cv2.imwrite would not."""
    _, png = cv2.imencode(".png", image)
    path.write_bytes(png.tobytes())
