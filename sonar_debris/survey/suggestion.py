"""Suggest the frames of a survey that teach a detector most: uncertain ones that are unlike each other.

References:
    Lewis and Gale, A sequential algorithm for training text classifiers, 1994, arXiv:cmp-lg/9407020 (uncertainty).
    Sener and Savarese, Active learning for convolutional neural networks: a core-set approach, 2018,
        arXiv:1708.00489 (the greedy choice of the frame that is farthest from those chosen).
"""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise

import numpy as np

from sonar_debris.datasets.splits import frame_signature
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.pixels import preprocess
from sonar_debris.survey.rows import UnreviewedFrame
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.stored_frames import open_source_frames

# Number of frames that are read and compared, for each frame to suggest, and in all at least.
CANDIDATES_PER_SUGGESTION, MIN_CANDIDATES = 10, 100
# Weight of a frame without uncertain detections: what the detector is sure of may be wrong as well.
LEAST_UNCERTAINTY = 0.05


def suggest_frames(
    store: SurveyStore, count: int, on_error: Callable[[FrameReadError], None] | None = None
) -> list[UnreviewedFrame]:
    """Choose frames of a survey to label, those that were reviewed completely excepted.

    Args:
        store: the survey.
        count: largest number of frames to suggest.
        on_error: called for each file or frame that can no longer be read, which is then left out; by default the
            error is raised.

    Returns:
        The frames, the most instructive first.

    Raises:
        SonarDebrisError: the survey holds no frame that could be labelled.
        FrameReadError: a file cannot be read, and there is no ``on_error``.
    """
    frames = store.unreviewed_frames()
    if not frames:
        raise SonarDebrisError(f"{store.path.parent}: no frame left to label; all were reviewed completely")
    candidates = _spread_candidates(frames, max(MIN_CANDIDATES, CANDIDATES_PER_SUGGESTION * count))
    read, signatures = [], []
    for frame, signature in _read_signatures(store, candidates, on_error):
        read.append(frame)
        signatures.append(signature)
    if not read:
        return []
    uncertainty = np.array([frame.uncertainty for frame in read])
    return [read[index] for index in choose_frames(np.stack(signatures), uncertainty, count)]


def choose_frames(signatures: np.ndarray, uncertainty: np.ndarray, count: int) -> list[int]:
    """Choose frames greedily by uncertainty and by their distance from the most similar frame that is chosen already.

    Args:
        signatures: ``(N, D)`` blurred frames as unit vectors of zero mean, see
            `sonar_debris.datasets.splits.frame_signature`; 1 minus the dot product of two is their distance.
        uncertainty: ``(N,)`` not negative.
        count: largest number of frames to choose.

    Returns:
        Indices of the chosen frames, the most instructive first; fewer than ``count`` if there are fewer frames.
    """
    weight = np.sqrt(np.maximum(uncertainty, LEAST_UNCERTAINTY))
    distance = np.ones(len(signatures))
    chosen: list[int] = []
    for _ in range(min(count, len(signatures))):
        best = int(np.argmax(weight * distance))
        chosen.append(best)
        distance = np.minimum(distance, np.maximum(1 - signatures @ signatures[best], 1e-6))
        distance[chosen] = 0
    return chosen


def score_uncertainty(score: np.ndarray) -> float:
    """Return the sum of score · (1 - score), the variance of a right-or-wrong outcome, over a frame's detections."""
    return float(np.sum(score * (1 - score)))


def _spread_candidates(frames: list[UnreviewedFrame], count: int) -> list[UnreviewedFrame]:
    """Return the most uncertain frame of each of ``count`` stretches of the survey."""
    if len(frames) <= count:
        return frames
    bounds = np.linspace(0, len(frames), count + 1).astype(int).tolist()
    return [max(frames[start:stop], key=lambda frame: frame.uncertainty) for start, stop in pairwise(bounds)]


def _read_signatures(
    store: SurveyStore, candidates: list[UnreviewedFrame], on_error: Callable[[FrameReadError], None] | None
) -> Iterator[tuple[UnreviewedFrame, np.ndarray]]:
    """Yield each candidate that can be read, with its signature."""
    for source, group in groupby(candidates, key=lambda candidate: candidate.source):
        unread = {candidate.position: candidate for candidate in group}
        try:
            for frame in open_source_frames(store, source, on_error):
                if frame.index in unread:
                    yield unread.pop(frame.index), frame_signature(preprocess(frame)[0])
                if not unread:
                    break
        except FrameReadError as error:
            if on_error is None:
                raise
            on_error(error)
