"""Simple proposal methods to compare with: plain sliding windows, and template matching as objectness.

Reference:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, STRIDE
from sonar_debris.detectors.sliding_window.proposals import WINDOW_SHAPES, pyramid_level, select_proposals, window_boxes
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.preprocessing import normalise
from sonar_debris.windows import extract_windows

# Templates are matched at a quarter of a pyramid level's size: a pixel is the stride of dense objectness at step 1.
SIDE = OBJECTNESS_WINDOW // STRIDE
# The standard deviation of a normalised frame is 1. In windows that deviate less than this, the correlation is noise.
MIN_DEVIATION = 0.1


def sliding_windows(shape: tuple[int, int], count: int, rng: np.random.Generator, step: int = 3) -> np.ndarray:
    """Return windows of the image pyramid in random order, without looking at the frame.

    They are the windows that dense objectness scores, so the difference in recall is what the network has learned. All
    windows are equally likely, so most are small, and some lie outside the fan.

    Args:
        shape: (rows, cols) of the frame.
        count: largest number of windows.
        rng: determines the order.
        step: windows are ``4 · step`` pixels of their pyramid level apart, with the default an eighth of their side.

    Returns:
        ``(N, 4)`` float32 boxes in pixels; they may reach beyond the frame by a quarter of their side.
    """
    xyxy = np.concatenate([_level_windows(shape, window_shape, step) for window_shape in WINDOW_SHAPES])
    return xyxy[rng.permutation(len(xyxy))[:count]]


def _level_windows(shape: tuple[int, int], window_shape: tuple[int, int], step: int) -> np.ndarray:
    """Return all windows ``(N, 4)`` of a pyramid level."""
    rows, cols = pyramid_level(np.zeros(shape, np.float32), window_shape).shape
    map_shape = (rows - OBJECTNESS_WINDOW) // (STRIDE * step) + 1, (cols - OBJECTNESS_WINDOW) // (STRIDE * step) + 1
    return window_boxes(map_shape, window_shape, step).reshape(-1, 4)


class TemplateObjectness:
    """Propose windows that resemble a labelled object: objectness is the highest correlation with random objects.

    Args:
        frames: labelled frames; only those of the chosen objects are read.
        rng: chooses the objects; all are equally likely.
        count: largest number of objects.

    Attributes:
        templates: ``(T, 24, 24)`` float32; each object is stretched to a square.

    Raises:
        SonarDebrisError: no frame has a box.
    """

    def __init__(self, frames: Sequence[LabelledFrame], rng: np.random.Generator, count: int = 100):
        objects = [(frame, box) for frame in frames for box in frame.xyxy]
        if not objects:
            raise SonarDebrisError(f"nothing to match: no labelled box. Received: {len(frames)} frames")
        chosen = [objects[index] for index in rng.permutation(len(objects))[:count]]
        self.templates = np.concatenate([_extract_template(frame, box) for frame, box in chosen])

    def propose(self, image: np.ndarray, count: int) -> np.ndarray:
        """Propose boxes of the pyramid's window shapes.

        Args:
            image: ``(rows, cols)`` normalised frame.
            count: largest number of proposals.

        Returns:
            ``(N, 4)`` float32 boxes in pixels, highest objectness first; they may reach beyond the frame.
        """
        maps = [self._objectness(pyramid_level(image, window_shape)) for window_shape in WINDOW_SHAPES]
        return select_proposals(maps, 1, count)

    def _objectness(self, level: np.ndarray) -> np.ndarray:
        """Return the correlation in [-1, 1] of each window of a level ``(rows, cols)``; 0 for flat windows."""
        rows, cols = level.shape
        small = cv2.resize(level, (cols // STRIDE, rows // STRIDE), interpolation=cv2.INTER_AREA)
        correlations = [cv2.matchTemplate(small, template, cv2.TM_CCOEFF_NORMED) for template in self.templates]
        highest = np.max(correlations, axis=0)
        highest[_window_variance(small) < MIN_DEVIATION**2] = 0
        return highest


def _extract_template(frame: LabelledFrame, box: np.ndarray) -> np.ndarray:
    """Return the content ``(1, 24, 24)`` of a box ``(4,)``."""
    return extract_windows(normalise(frame.load().image), box[None], SIDE)[..., 0]


def _window_variance(image: np.ndarray) -> np.ndarray:
    """Return the variance ``(rows - 23, cols - 23)`` of each 24×24 window of an image ``(rows, cols)``."""
    mean = cv2.boxFilter(image, -1, (SIDE, SIDE), anchor=(0, 0))
    mean_of_squares = cv2.sqrBoxFilter(image, -1, (SIDE, SIDE), anchor=(0, 0))
    variance = mean_of_squares - mean**2
    return variance[: 1 - SIDE, : 1 - SIDE]
