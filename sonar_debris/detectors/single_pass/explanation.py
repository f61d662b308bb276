"""Explain a detection in a picture: saliency by occlusion and by gradients, and the nearest labelled objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import UNKNOWN
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.single_pass.detector import SinglePassDetector
from sonar_debris.detectors.single_pass.nearest import NearestCrop, find_nearest_crops
from sonar_debris.detectors.single_pass.saliency import explain_detection
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import Frame


@dataclass(frozen=True)
class Explanation:
    """Why a detector reports an object.

    Attributes:
        class_name: the class that is explained.
        box_share: area of the box as a share of the window that was examined, in (0, 1].
        occlusion_in_box: share of the fall of the score by occlusion that lies in the box, in [0, 1]; NaN if covering
            no part of the window lowers the score.
        gradient_in_box: share of the gradients that lies in the box, in [0, 1].
        nearest: the most similar labelled objects, if any were searched.
    """

    class_name: str
    box_share: float
    occlusion_in_box: float
    gradient_in_box: float
    nearest: tuple[NearestCrop, ...]


def write_explanation(
    path: Path,
    detector: DebrisDetector,
    frame: Frame,
    xyxy: np.ndarray,
    class_name: str,
    labelled: Sequence[LabelledFrame] = (),
    labelled_names: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Explain a detection and draw the explanation.

    Args:
        path: the PNG to write.
        detector: a single-pass detector.
        frame: the frame.
        xyxy: ``(4,)`` the detection's box in pixels of the frame.
        class_name: its class; an unknown object, or one of a class that the detector does not know, is explained by
            its objectness.
        labelled: frames that are searched for similar objects.
        labelled_names: the names that their ``class_id`` indexes.
        progress: called with the number of steps done and of all steps, first of the occlusion, then of the search.

    Returns:
        The explanation.

    Raises:
        SonarDebrisError: the detector is of another kind, or does not find the object in the frame.
    """
    from sonar_debris.outputs.explanation import draw_explanation

    if not isinstance(detector, SinglePassDetector):
        raise SonarDebrisError("only detections of a single-pass model can be explained; choose one with --model")
    names = detector.class_names
    class_id = names.index(class_name if class_name in names else UNKNOWN)
    saliency = explain_detection(detector, frame, xyxy, class_id, progress)
    nearest = find_nearest_crops(detector, frame, xyxy, labelled, labelled_names, progress=progress) if labelled else []
    explanation = Explanation(
        names[class_id],
        saliency.box_share,
        saliency.share_in_box(saliency.occlusion, xyxy),
        saliency.share_in_box(saliency.gradient, xyxy),
        tuple(nearest),
    )
    maps = {
        f"occlusion: {explanation.occlusion_in_box:.0%} in the box": saliency.occlusion,
        f"gradients: {explanation.gradient_in_box:.0%} in the box": saliency.gradient,
    }
    crops = [(crop.image, f"{crop.class_name} {crop.similarity:.2f}\n{Path(crop.name).name}") for crop in nearest]
    draw_explanation(path, frame.image, saliency.window, xyxy, explanation.class_name, maps, crops)
    return explanation
