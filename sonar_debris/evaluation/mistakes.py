"""Find the mistakes of a detector, and draw them: the confusion matrix, the worst misses and false alarms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.evaluation.average_precision import RECALLS
from sonar_debris.evaluation.detection_metrics import DetectionMetrics, align_class_names, match_detections
from sonar_debris.evaluation.matching import MATCH_IOU, greedy_match
from sonar_debris.evaluation.plots import plot_confusion, plot_curves

# Number of mistakes in a gallery, and in a row of it.
GALLERY, COLUMNS = 24, 6
# Surroundings of a mistake that the gallery shows: a share of the box's sides, plus pixels.
CONTEXT, MARGIN = 0.5, 30


@dataclass(frozen=True)
class Mistake:
    """A missed object or a false alarm.

    Attributes:
        frame: index of the frame.
        xyxy: ``(4,)`` the box in pixels.
        class_id: the class of the object, or of the false alarm.
        degree: how bad the mistake is, in [0, 1]: of a missed object 1 - IoU of the nearest detection of its class, of
            a false alarm its score.
    """

    frame: int
    xyxy: np.ndarray
    class_id: int
    degree: float


def confusion_pairs(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pair objects and detections at IoU 0.5 regardless of class, and return both classes of each pair.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame, best score first; the class ``classes`` is unknown.
        classes: number of classes.

    Returns:
        True classes ``(P,)`` and predicted classes ``(P,)``. The class ``classes + 1`` means nothing: it is predicted
        for a missed object, and true for a detection that matches no object.
    """
    nothing = classes + 1
    true_classes, predicted_classes = [], []
    for frame, frame_detections in zip(frames, detections, strict=True):
        matches = greedy_match(frame.xyxy, frame_detections.xyxy)
        matched_class = np.where(matches >= 0, np.append(frame.class_id, nothing)[matches], nothing)
        missed = np.setdiff1d(np.arange(len(frame.xyxy)), matches)
        true_classes += [matched_class, frame.class_id[missed]]
        predicted_classes += [frame_detections.class_id, np.full(len(missed), nothing)]
    return np.concatenate(true_classes), np.concatenate(predicted_classes)


def misses(frames: Sequence[LabelledFrame], detections: Sequence[Detections]) -> list[Mistake]:
    """List the objects that no detection of their class overlaps by `MATCH_IOU`.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame.

    Returns:
        The missed objects, frame by frame.
    """
    mistakes = []
    for index, (frame, frame_detections) in enumerate(zip(frames, detections, strict=True)):
        for box, class_id in zip(frame.xyxy, frame.class_id, strict=True):
            same_class = frame_detections.xyxy[frame_detections.class_id == class_id]
            best_iou = float(iou(box[None], same_class).max(initial=0))
            if best_iou < MATCH_IOU:
                mistakes.append(Mistake(index, box, int(class_id), 1 - best_iou))
    return mistakes


def false_alarms(frames: Sequence[LabelledFrame], detections: Sequence[Detections]) -> list[Mistake]:
    """List the detections that overlap no object of any class by `MATCH_IOU`. Some show an object without a label.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame.

    Returns:
        The false alarms, frame by frame.
    """
    return [
        Mistake(index, box, int(class_id), float(score))
        for index, (frame, part) in enumerate(zip(frames, detections, strict=True))
        for box, class_id, score in zip(part.xyxy, part.class_id, part.score, strict=True)
        if iou(box[None], frame.xyxy).max(initial=0) < MATCH_IOU
    ]


def select_worst(mistakes: Iterable[Mistake], scenes: Sequence[str], limit: int) -> list[Mistake]:
    """Select the worst mistakes, one per class and scene: the frames of a scene repeat the same mistake many times.

    Args:
        mistakes: the mistakes to select from.
        scenes: the scene of each frame.
        limit: largest number to select.

    Returns:
        The mistakes, worst first.
    """
    worst: dict[tuple[str, int], Mistake] = {}
    for mistake in sorted(mistakes, key=lambda mistake: -mistake.degree):
        worst.setdefault((scenes[mistake.frame], mistake.class_id), mistake)
    return list(worst.values())[:limit]


def draw_report(
    folder: Path,
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    metrics: DetectionMetrics,
    scenes: Sequence[str],
) -> None:
    """Write ``precision-recall.png``, ``confusion.png``, ``misses.png`` and ``false-alarms.png``.

    Args:
        folder: the folder to write to; created if it does not exist.
        frames: the labelled frames.
        detections: the detections of each frame, down to the lowest scores.
        class_names: the names that the frames' ``class_id`` indexes.
        metrics: the metrics of these detections. Detections below their best threshold do not count as found.
        scenes: the scene of each frame; for each scene, one mistake per class is shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    precision = match_detections(frames, detections, class_names).eval["precision"][0, :, :, 0, -1]
    curves = {name: (RECALLS, precision[:, class_names.index(name)]) for name in metrics.boxes}
    plot_curves(folder / "precision-recall.png", curves, "recall", "precision at IoU 0.5")
    threshold = metrics.best.threshold or 0
    kept = [part[part.score >= threshold] for part in align_class_names(detections, class_names)]
    names = (*class_names, UNKNOWN, "nothing")
    true_class, predicted_class = confusion_pairs(frames, kept, len(class_names))
    plot_confusion(folder / "confusion.png", true_class, predicted_class, names)
    for name, mistakes in (("misses", misses(frames, kept)), ("false-alarms", false_alarms(frames, kept))):
        _draw_gallery(folder / f"{name}.png", frames, kept, select_worst(mistakes, scenes, GALLERY), names)


def _draw_gallery(
    path: Path,
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    mistakes: Sequence[Mistake],
    names: Sequence[str],
) -> None:
    """Draw each mistake in its surroundings: labels green, detections red, the mistake itself with a wide line."""
    rows = max(1, -(-len(mistakes) // COLUMNS))
    figure = Figure(figsize=(2.4 * COLUMNS, 2.6 * rows), layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        frame = frames[mistake.frame]
        image = frame.load().image
        axes.imshow(image, cmap="gray", interpolation="nearest")
        _draw_boxes(axes, frame, mistake, names, "lime")
        _draw_boxes(axes, detections[mistake.frame], mistake, names, "red")
        left, top, right, bottom = _surroundings(mistake.xyxy, image.shape)
        axes.set(xlim=(left, right), ylim=(bottom, top))
        axes.set_title(f"{names[mistake.class_id]}\n{frame.name}", fontsize="x-small")
    figure.savefig(path, dpi=100)


def _draw_boxes(
    axes: Axes, boxes: LabelledFrame | Detections, mistake: Mistake, names: Sequence[str], colour: str
) -> None:
    for box, class_id in zip(boxes.xyxy, boxes.class_id, strict=True):
        left, top, right, bottom = box
        linewidth = 2 if np.array_equal(box, mistake.xyxy) else 1
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=linewidth)
        )
        axes.text(left, top, names[class_id], color=colour, fontsize="x-small", clip_on=True)


def _surroundings(box: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the box ``(4,)`` with its surroundings, within an image of this shape."""
    margin = CONTEXT * np.tile(box[2:] - box[:2], 2) + MARGIN
    rows, cols = shape
    return np.clip(box + margin * [-1, -1, 1, 1], 0, [cols, rows, cols, rows])
