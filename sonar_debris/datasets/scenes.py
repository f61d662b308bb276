"""Group near-duplicate frames into scenes, so that a test shows layouts never seen in training."""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.sparse.csgraph import connected_components

SAME_SCENE = 0.85


def group_scenes(images: Sequence[np.ndarray], correlation: float = SAME_SCENE) -> np.ndarray:
    """Scenes as connected components of frames that look alike.

    Args:
        images: N frames ``(rows, cols)``, of one size.
        correlation: two frames whose blurred images correlate at least this much show one scene.

    Returns:
        ``(N,)`` scene numbers, from 0.
    """
    signatures = np.stack([_signature(image) for image in images])
    return connected_components(signatures @ signatures.T >= correlation, directed=False)[1]


def _signature(image: np.ndarray) -> np.ndarray:
    """The blurred frame as a unit vector of zero mean, so that a dot product is a correlation."""
    small = cv2.resize(cv2.GaussianBlur(np.float32(image), (0, 0), 4), (80, 120), interpolation=cv2.INTER_AREA)
    vector = (small - small.mean()).ravel()
    return vector / max(np.linalg.norm(vector), 1e-9)
