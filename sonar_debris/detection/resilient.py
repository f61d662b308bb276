"""Detection in a batch of frames, of which an odd one must not cost the others."""

from collections.abc import Sequence

from sonar_debris.detection.detections import Detections
from sonar_debris.detection.detector import DebrisDetector
from sonar_debris.frames.frame import Frame


def detect_each(detector: DebrisDetector, frames: Sequence[Frame]) -> list[Detections | Exception]:
    """What is found in each frame, or what the detector stumbled over in it."""
    try:
        return list(detector.detect_batch(frames))
    except Exception as error:  # whatever it is, it is told with its frame
        if len(frames) == 1:
            return [error]
        return [found for frame in frames for found in detect_each(detector, [frame])]
