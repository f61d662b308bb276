"""A folder to look at: precision-recall curves, confusion matrix and the worst misses of a detector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.detections import UNKNOWN, Detections
from sonar_debris.evaluation.detection_metrics import DetectionMetrics, match_detections
from sonar_debris.evaluation.mistakes import Miss, confusion_pairs, worst_misses
from sonar_debris.evaluation.plots import plot_confusion, plot_curves
from sonar_debris.frames import open_frames

GALLERY, COLUMNS = 24, 6
# How much of a miss's surroundings the gallery shows, in sides of its box and in pixels.
CONTEXT, MARGIN = 0.5, 30


def draw_report(
    folder: Path,
    frames: Sequence[LabelledFrame],
    named: Sequence[Detections],
    class_names: Sequence[str],
    metrics: DetectionMetrics,
) -> None:
    """Write ``precision-recall.png``, ``confusion.png`` and ``misses.png``.

    Args:
        folder: where to; made if it is not there.
        frames: the labelled frames.
        named: what was found in each, at every score, as `rename` gives it.
        class_names: the names of the classes.
        metrics: the figures; what scores below their best threshold counts as not found.
    """
    folder.mkdir(parents=True, exist_ok=True)
    precision = match_detections(frames, named, class_names).eval["precision"][0, :, :, 0, -1]
    recall = np.linspace(0, 1, len(precision))
    curves = {name: (recall, precision[:, class_names.index(name)]) for name in metrics.boxes}
    plot_curves(folder / "precision-recall.png", curves, "recall", "precision at IoU 0.5")
    kept = [found[found.score >= (metrics.best.threshold or 0)] for found in named]
    names = (*class_names, UNKNOWN, "nothing")
    plot_confusion(folder / "confusion.png", *confusion_pairs(frames, kept, len(class_names)), names)
    _draw_misses(folder / "misses.png", frames, kept, worst_misses(frames, kept, GALLERY), class_names)


def _draw_misses(
    path: Path,
    frames: Sequence[LabelledFrame],
    kept: Sequence[Detections],
    misses: Sequence[Miss],
    class_names: Sequence[str],
) -> None:
    """Each miss in its surroundings, its box green; what was found there red."""
    rows = max(1, -(-len(misses) // COLUMNS))
    figure = Figure(figsize=(2.4 * COLUMNS, 2.6 * rows), layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.set_axis_off()
    for axes, miss in zip(figure.axes, misses, strict=False):
        image = next(open_frames(frames[miss.frame].path)).image
        axes.imshow(image, cmap="gray", interpolation="nearest")
        _draw_box(axes, miss.xyxy, "lime")
        found = kept[miss.frame]
        for box, name in zip(found.xyxy, found.names, strict=True):
            _draw_box(axes, box, "red")
            axes.text(*box[:2], name, color="red", fontsize="x-small", clip_on=True)
        left, top, right, bottom = _surroundings(miss.xyxy, image.shape)
        axes.set(xlim=(left, right), ylim=(bottom, top))
        axes.set_title(f"{class_names[miss.class_id]}\n{frames[miss.frame].name}", fontsize="x-small")
    figure.savefig(path, dpi=100)


def _draw_box(axes, box: np.ndarray, colour: str) -> None:
    axes.add_patch(Rectangle(box[:2], *(box[2:] - box[:2]), fill=False, edgecolor=colour, linewidth=1))


def _surroundings(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    more = CONTEXT * np.tile(box[2:] - box[:2], 2) + MARGIN
    return np.clip(box + more * [-1, -1, 1, 1], 0, [shape[1], shape[0]] * 2)
