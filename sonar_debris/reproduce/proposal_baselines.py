"""Plain sliding windows: proposals that never looked at the frame.

MERGED:
Template matching as objectness: what resembles an object seen before may be one.

Reference:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.networks import STRIDE, WINDOW
from sonar_debris.detectors.sliding_window.proposals import WINDOW_SHAPES, pyramid_level, select_proposals, window_boxes
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames
from sonar_debris.frames.preprocessing import normalise
from sonar_debris.windows import extract_windows


def sliding_windows(shape: tuple[int, int], count: int, rng: np.random.Generator, step: int = 3) -> np.ndarray:
    """Windows of the image pyramid in random order.

    They are the windows that dense objectness scores, so it is better than these by what it has learnt. All are
    equally likely: small ones, of which there are most, come most often, and those beside the fan come too.

    Args:
        shape: (rows, cols) of the frame.
        count: how many windows at most.
        rng: decides the order.
        step: windows are ``4 · step`` pixels of their level apart, at 3 an eighth of their side.

    Returns:
        ``(N, 4)`` float32 boxes in pixels; they may reach beyond the frame by a quarter of their side.
    """
    xyxy = np.concatenate([_windows(shape, window, step) for window in WINDOW_SHAPES])
    return xyxy[rng.permutation(len(xyxy))[:count]]


def _windows(shape: tuple[int, int], window: tuple[int, int], step: int) -> np.ndarray:
    rows, cols = pyramid_level(np.zeros(shape, np.float32), window).shape
    grid = (rows - WINDOW) // (STRIDE * step) + 1, (cols - WINDOW) // (STRIDE * step) + 1
    return window_boxes(grid, window, step).reshape(-1, 4)


# Levels are matched at a quarter of their size: one pixel there is the stride of dense objectness at step 1.
SIDE = WINDOW // STRIDE
# A window whose echoes deviate less than this, of the frame's 1, shows nothing, and its correlation is noise.
MIN_DEVIATION = 0.1


class TemplateObjectness:
    """Objectness of a window is its best correlation coefficient with random objects.

    Args:
        frames: labelled frames to cut the objects from; only those drawn are read.
        rng: draws the objects, each as likely as any other, whatever its class.
        count: how many; all objects where there are fewer.

    Attributes:
        templates: ``(T, 24, 24)`` float32, each object stretched to a square.

    Raises:
        SonarDebrisError: no frame has a box.
    """

    def __init__(self, frames: Sequence[LabelledFrame], rng: np.random.Generator, count: int = 100):
        objects = [(frame, box) for frame in frames for box in frame.xyxy]
        if not objects:
            raise SonarDebrisError(f"nothing to match: no labelled box. Received: {len(frames)} frames")
        self.templates = np.concatenate([_cut(*objects[k]) for k in rng.permutation(len(objects))[:count]])

    def propose(self, image: np.ndarray, count: int) -> np.ndarray:
        """Propose boxes, of the pyramid's window shapes.

        Args:
            image: ``(rows, cols)`` normalised frame.
            count: how many proposals at most.

        Returns:
            ``(N, 4)`` float32 boxes in pixels, best objectness first; they may reach beyond the frame.
        """
        return select_proposals([self._objectness(pyramid_level(image, shape)) for shape in WINDOW_SHAPES], 1, count)

    def _objectness(self, level: np.ndarray) -> np.ndarray:
        """Coefficients in [-1, 1] of the windows of a level ``(rows, cols)``; 0 of those that show nothing."""
        rows, cols = level.shape
        small = cv2.resize(level, (cols // STRIDE, rows // STRIDE), interpolation=cv2.INTER_AREA)
        best = np.max([cv2.matchTemplate(small, one, cv2.TM_CCOEFF_NORMED) for one in self.templates], axis=0)
        best[_variance(small) < MIN_DEVIATION**2] = 0
        return best


def _cut(frame: LabelledFrame, xyxy: np.ndarray) -> np.ndarray:
    return extract_windows(normalise(next(open_frames(frame.path)).image), xyxy[None], SIDE)[..., 0]


def _variance(image: np.ndarray) -> np.ndarray:
    """Of each window of an image ``(rows, cols)``: ``(rows - 23, cols - 23)``."""
    mean, square = (
        average(image, -1, (SIDE, SIDE), anchor=(0, 0))[: 1 - SIDE, : 1 - SIDE]
        for average in (cv2.boxFilter, cv2.sqrBoxFilter)
    )
    return square - mean**2
