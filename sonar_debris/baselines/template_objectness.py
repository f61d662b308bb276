"""Template matching as objectness: what resembles an object seen before may be one.

Reference:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.proposals import pick_boxes
from sonar_debris.detection.pyramid import WINDOW_SHAPES, pyramid_level
from sonar_debris.detection.windows import cut_windows
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames
from sonar_debris.frames.normalisation import normalise
from sonar_debris.networks.objectness import STRIDE, WINDOW

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
        return pick_boxes([self._objectness(pyramid_level(image, shape)) for shape in WINDOW_SHAPES], 1, count)

    def _objectness(self, level: np.ndarray) -> np.ndarray:
        """Coefficients in [-1, 1] of the windows of a level ``(rows, cols)``; 0 of those that show nothing."""
        rows, cols = level.shape
        small = cv2.resize(level, (cols // STRIDE, rows // STRIDE), interpolation=cv2.INTER_AREA)
        best = np.max([cv2.matchTemplate(small, one, cv2.TM_CCOEFF_NORMED) for one in self.templates], axis=0)
        best[_variance(small) < MIN_DEVIATION**2] = 0
        return best


def _cut(frame: LabelledFrame, xyxy: np.ndarray) -> np.ndarray:
    return cut_windows(normalise(next(open_frames(frame.path)).image), xyxy[None], SIDE)[..., 0]


def _variance(image: np.ndarray) -> np.ndarray:
    """Of each window of an image ``(rows, cols)``: ``(rows - 23, cols - 23)``."""
    mean, square = (
        average(image, -1, (SIDE, SIDE), anchor=(0, 0))[: 1 - SIDE, : 1 - SIDE]
        for average in (cv2.boxFilter, cv2.sqrBoxFilter)
    )
    return square - mean**2
