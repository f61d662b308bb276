"""The figures of a detector for objects of one size, and for frames of one scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.boxes import area
from sonar_debris.detection.detections import Detections
from sonar_debris.evaluation.detection_metrics import match_detections

# Side of the square with an object's area, in pixels: least and highest of each range.
SIZES = {"under 32 px": (0, 32), "32 to 64 px": (32, 64), "64 to 128 px": (64, 128), "over 128 px": (128, 1e5)}


@dataclass(frozen=True)
class Share:
    """Figures of some of the objects.

    Attributes:
        boxes: number of those objects.
        map50: mean average precision at IoU 0.5 over the classes that they are of, in [0, 1].
        recall50: mean over those classes of the share that a box of the right name meets at IoU 0.5, at any score.
    """

    boxes: int
    map50: float
    recall50: float


def by_size(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str]
) -> dict[str, Share]:
    """Figures of the objects of each size that has any; found boxes of another size that meet none do not count.

    Args:
        frames: the labelled frames.
        detections: what was found in each, as `rename` gives it.
        class_names: the names of the classes.
    """
    areas = [(low**2, high**2) for low, high in SIZES.values()]
    precision, recall = _evaluate(frames, detections, class_names, areas=areas)
    size = np.sqrt(np.concatenate([area(frame.xyxy) for frame in frames]))
    boxes = [int(((size >= low) & (size < high)).sum()) for low, high in SIZES.values()]
    return {
        name: Share(boxes[k], *_means(precision[..., k], recall[..., k])) for k, name in enumerate(SIZES) if boxes[k]
    }


def by_scene(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    scenes: Sequence[str],
) -> dict[str, Share]:
    """Figures of the frames of each scene that shows an object.

    Args:
        frames: N labelled frames.
        detections: what was found in each, as `rename` gives it.
        class_names: the names of the classes.
        scenes: ``(N,)`` the scene of each frame.
    """
    shares = {}
    for scene in sorted(set(scenes)):
        chosen = [number for number, one in enumerate(scenes) if one == scene]
        some, found = [frames[number] for number in chosen], [detections[number] for number in chosen]
        boxes = sum(len(frame.xyxy) for frame in some)
        if boxes:
            precision, recall = _evaluate(some, found, class_names)
            shares[scene] = Share(boxes, *_means(precision[..., 0], recall[..., 0]))
    return shares


def _evaluate(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str], **how
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and recall at IoU 0.5, each ``(classes, areas)``; -1 where there is no such object."""
    run = match_detections(frames, detections, class_names, limits=(100,), iou=np.array([0.5]), **how)
    return run.eval["precision"][0, :, :, :, -1].mean(axis=0), run.eval["recall"][0, :, :, -1]


def _means(precision: np.ndarray, recall: np.ndarray) -> tuple[float, float]:
    there = precision >= 0
    return float(precision[there].mean()), float(recall[there].mean())
