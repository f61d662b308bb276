"""What a detector gets wrong, frame by frame, at one score threshold.

MERGED:
A folder to look at: precision-recall curves, confusion matrix, the worst misses and false alarms of a detector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.evaluation.detection_metrics import DetectionMetrics, match_detections
from sonar_debris.evaluation.matching import greedy_match
from sonar_debris.evaluation.plots import plot_confusion, plot_curves
from sonar_debris.frames import open_frames


@dataclass(frozen=True)
class Mistake:
    """An object that no box of the right name met, or a box that met no object.

    Attributes:
        frame: its index.
        xyxy: ``(4,)`` its box in pixels.
        class_id: its class.
        degree: how bad it is, in [0, 1]: of a missed object, how far off (1 - IoU) the nearest box of its name is; of
            a false alarm its score.
    """

    frame: int
    xyxy: np.ndarray
    class_id: int
    degree: float


def confusion_pairs(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """True and given classes of objects and boxes, paired at IoU 0.5 whatever they are called.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each, best first; the class ``classes`` is unknown.
        classes: number of classes.

    Returns:
        ``(P,)`` true and ``(P,)`` given classes; ``classes + 1`` is nothing: given for an object that is missed, true
        for a box that meets no object.
    """
    nothing = classes + 1
    true, given = [], []
    for frame, found in zip(frames, detections, strict=True):
        pairs = greedy_match(frame.xyxy, found.xyxy)
        missed = np.setdiff1d(np.arange(len(frame.xyxy)), pairs)
        met = np.where(pairs >= 0, np.append(frame.class_id, nothing)[pairs], nothing)
        true += [met, frame.class_id[missed]]
        given += [found.class_id, np.full(len(missed), nothing)]
    return np.concatenate(true), np.concatenate(given)


def misses(frames: Sequence[LabelledFrame], detections: Sequence[Detections], overlap: float = 0.5) -> list[Mistake]:
    """The objects that no box of their name overlaps with this IoU.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each.
        overlap: the IoU, in [0, 1].
    """
    nearest = [
        (number, box, int(class_id), iou(box[None], found.xyxy[found.class_id == class_id]).max(initial=0))
        for number, (frame, found) in enumerate(zip(frames, detections, strict=True))
        for box, class_id in zip(frame.xyxy, frame.class_id, strict=True)
    ]
    return [Mistake(*which, float(1 - reached)) for *which, reached in nearest if reached < overlap]


def false_alarms(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], overlap: float = 0.5
) -> list[Mistake]:
    """The boxes that overlap no object with this IoU, whatever its class: some of these objects lack a label only.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each.
        overlap: the IoU, in [0, 1].
    """
    return [
        Mistake(number, box, int(class_id), float(score))
        for number, (frame, found) in enumerate(zip(frames, detections, strict=True))
        for box, class_id, score in zip(found.xyxy, found.class_id, found.score, strict=True)
        if iou(box[None], frame.xyxy).max(initial=0) < overlap
    ]


def worst(mistakes: Iterable[Mistake], scenes: Sequence[str], limit: int) -> list[Mistake]:
    """The worst mistakes, one of each class in a scene: the frames of a scene show the same mistake many times.

    Args:
        mistakes: to choose from.
        scenes: that of each frame.
        limit: how many to give at most.
    """
    first: dict[tuple[str, int], Mistake] = {}
    for one in sorted(mistakes, key=lambda one: -one.degree):
        first.setdefault((scenes[one.frame], one.class_id), one)
    return list(first.values())[:limit]


GALLERY, COLUMNS = 24, 6
# How much of a mistake's surroundings the gallery shows, in sides of its box and in pixels.
CONTEXT, MARGIN = 0.5, 30


def draw_report(
    folder: Path,
    frames: Sequence[LabelledFrame],
    named: Sequence[Detections],
    class_names: Sequence[str],
    metrics: DetectionMetrics,
    scenes: Sequence[str],
) -> None:
    """Write ``precision-recall.png``, ``confusion.png``, ``misses.png`` and ``false-alarms.png``.

    Args:
        folder: where to; made if it is not there.
        frames: the labelled frames.
        named: what was found in each, at every score, as `rename` gives it.
        class_names: the names of the classes.
        metrics: the figures; what scores below their best threshold counts as not found.
        scenes: that of each frame; of each, one mistake of a class is shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    precision = match_detections(frames, named, class_names).eval["precision"][0, :, :, 0, -1]
    recall = np.linspace(0, 1, len(precision))
    curves = {name: (recall, precision[:, class_names.index(name)]) for name in metrics.boxes}
    plot_curves(folder / "precision-recall.png", curves, "recall", "precision at IoU 0.5")
    kept = [found[found.score >= (metrics.best.threshold or 0)] for found in named]
    names = (*class_names, UNKNOWN, "nothing")
    plot_confusion(folder / "confusion.png", *confusion_pairs(frames, kept, len(class_names)), names)
    for name, mistakes in (("misses", misses(frames, kept)), ("false-alarms", false_alarms(frames, kept))):
        _draw_gallery(folder / f"{name}.png", frames, kept, worst(mistakes, scenes, GALLERY), names)


def _draw_gallery(
    path: Path,
    frames: Sequence[LabelledFrame],
    kept: Sequence[Detections],
    mistakes: Sequence[Mistake],
    names: Sequence[str],
) -> None:
    """Each mistake in its surroundings: labels green, what was found red, the mistake itself drawn bold."""
    rows = max(1, -(-len(mistakes) // COLUMNS))
    figure = Figure(figsize=(2.4 * COLUMNS, 2.6 * rows), layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        frame, found = frames[mistake.frame], kept[mistake.frame]
        image = next(open_frames(frame.path)).image
        axes.imshow(image, cmap="gray", interpolation="nearest")
        for shown, colour in ((frame, "lime"), (found, "red")):
            for box, class_id in zip(shown.xyxy, shown.class_id, strict=True):
                width = 2 if np.array_equal(box, mistake.xyxy) else 1
                axes.add_patch(Rectangle(box[:2], *(box[2:] - box[:2]), fill=False, edgecolor=colour, linewidth=width))
                axes.text(*box[:2], names[class_id], color=colour, fontsize="x-small", clip_on=True)
        left, top, right, bottom = _surroundings(mistake.xyxy, image.shape)
        axes.set(xlim=(left, right), ylim=(bottom, top))
        axes.set_title(f"{names[mistake.class_id]}\n{frame.name}", fontsize="x-small")
    figure.savefig(path, dpi=100)


def _surroundings(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    more = CONTEXT * np.tile(box[2:] - box[:2], 2) + MARGIN
    return np.clip(box + more * [-1, -1, 1, 1], 0, [shape[1], shape[0]] * 2)
