"""Free-response ROC (FROC): recall of objects of any class against the number of false boxes per frame.

It is the figure of merit of automatic target recognition: how many objects an operator is shown at a number of false
alarms that they can bear. Boxes in *ignore regions*, such as debris without a label, count neither as right nor as
false.

Reference:
    Bunch et al., A Free Response Approach to the Measurement and Characterization of Radiographic Observer Performance,
    Proc. SPIE 127, 1977. Chakraborty, Maximum likelihood analysis of free-response receiver operating characteristic
    (FROC) data, Medical Physics 16, 1989.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError, one_line
from sonar_debris.evaluation.cross_validation import MAX_NUMBER, group_by_stem
from sonar_debris.evaluation.matching import MATCH_IOU, greedy_match
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.files import check_regular_file

# False boxes per frame at which recall is reported.
FALSE_PER_FRAME = (0.1, 0.5, 1, 2, 5)
# Rates at which the curve is drawn.
DRAWN_RATES = np.geomspace(0.01, 10, 61)


@dataclass(frozen=True)
class ReportedObjects:
    """What a detector reports at a score threshold.

    Attributes:
        recall: share of the objects, in [0, 1].
        precision: share of the boxes that show an object, in [0, 1]; 0 if there is no box.
        false_per_frame: false boxes per frame.
    """

    recall: float
    precision: float
    false_per_frame: float


@dataclass(frozen=True)
class Froc:
    """A class-agnostic FROC curve.

    Attributes:
        boxes: number of labelled objects.
        threshold: ``(N,)`` the distinct scores, falling; boxes of at least this score count.
        false_per_frame: ``(N,)`` false boxes per frame, rising.
        recall: ``(N,)`` share of the objects that a box matches, in [0, 1], rising.
        reported: the figures at the model's own thresholds; None if they are not known.
    """

    boxes: int
    threshold: np.ndarray
    false_per_frame: np.ndarray
    recall: np.ndarray
    reported: ReportedObjects | None = None

    def recall_at(self, false_per_frame: float) -> float:
        """Return the highest recall, in [0, 1], with at most so many false boxes per frame.

        Where the detector returns no more boxes, the curve stays at its last recall.
        """
        # The margin lets 0.1 · 30 frames hold 3 false boxes in spite of rounding.
        points = int(np.searchsorted(self.false_per_frame, false_per_frame + 1e-9, side="right"))
        return float(self.recall[points - 1]) if points else 0.0

    def figures(self) -> dict[str, Any]:
        """Return the figures that reports print, with values that JSON can hold."""
        reported = self.reported and {
            "recall": self.reported.recall,
            "precision": self.reported.precision,
            "false_per_frame": self.reported.false_per_frame,
        }
        recall = {f"{rate:g}": self.recall_at(rate) for rate in FALSE_PER_FRAME}
        return {"boxes": self.boxes, "recall": recall, "reported": reported}


def froc(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str] = (),
    exclude: Sequence[str] = (),
    ignore: Sequence[np.ndarray] | None = None,
    reported: Sequence[np.ndarray] | None = None,
) -> Froc:
    """Compute the class-agnostic FROC curve at IoU 0.5.

    The boxes of a frame are matched greedily, best score first, each with the free object that it overlaps most. Boxes
    in ignore regions that match no object do not count. An object that is reported under two labels counts once:
    alternative labels are left out, and a box that overlaps a better one with another label is not false.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame, down to the lowest scores, or the curve is cut short.
        class_names: the names that the frames' ``class_id`` indexes; needed with ``exclude``.
        exclude: names of classes whose labelled boxes are ignore regions, not objects.
        ignore: for each frame, ``(R, 4)`` more ignore regions in pixels; None for none.
        reported: for each frame, ``(N,)`` bool, which detections its model reports at its own thresholds, for
            `Froc.reported`; None for none.

    Returns:
        The curve.

    Raises:
        SonarDebrisError: no object is left.
        ValueError: the numbers of frames differ, or ``exclude`` holds a name that is not in ``class_names``.
    """
    unknown = set(exclude) - set(class_names)
    if unknown:
        raise ValueError(f"exclude must hold names of class_names. Received: {', '.join(sorted(unknown))}")
    excluded = [list(class_names).index(name) for name in exclude]
    regions = [np.zeros((0, 4), np.float32)] * len(frames) if ignore is None else ignore
    masks = [np.zeros(len(part), bool) for part in detections] if reported is None else reported
    scores, hits, kept, boxes = [], [], [], 0
    for frame, part, frame_regions, mask in zip(frames, detections, regions, masks, strict=True):
        is_object = ~np.isin(frame.class_id, excluded)
        all_regions = np.concatenate([frame.xyxy[~is_object], frame_regions])
        index, hit = _match(frame.xyxy[is_object], part, all_regions)
        boxes += int(is_object.sum())
        scores.append(part.score[index])
        hits.append(hit)
        kept.append(mask[index])
    if not boxes:
        names = f" of a class other than {', '.join(exclude)}" if exclude else ""
        raise SonarDebrisError(f"nothing to score: no labelled box{names} in {len(frames)} frames")
    all_hits = np.concatenate(hits)
    at_thresholds = None if reported is None else _reported(all_hits[np.concatenate(kept)], boxes, len(frames))
    return Froc(boxes, *_curve(np.concatenate(scores), all_hits, boxes, len(frames)), at_thresholds)


def _match(true_xyxy: np.ndarray, detections: Detections, regions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices ``(N,)`` of the detections that count, and whether each matches an object."""
    order = np.argsort(-detections.score, kind="stable")
    order = order[~detections.alternative[order]]
    ranked = detections[order]
    hit = greedy_match(true_xyxy, ranked.xyxy) >= 0
    same_box = iou(ranked.xyxy, ranked.xyxy) >= MATCH_IOU
    other_label = ranked.class_id[:, None] != ranked.class_id
    is_repeated = np.tril(same_box & other_label, -1).any(axis=1)
    counts = hit | ~(is_repeated | _only_in(regions, true_xyxy, ranked.xyxy))
    return order[counts], hit[counts]


def _only_in(regions: np.ndarray, true_xyxy: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
    """Return ``(N,)`` whether each box matches a region and no object at IoU 0.5."""
    in_region = iou(xyxy, regions).max(axis=1, initial=0) >= MATCH_IOU
    on_object = iou(xyxy, true_xyxy).max(axis=1, initial=0) >= MATCH_IOU
    return np.asarray(in_region & ~on_object)


def _curve(score: np.ndarray, hit: np.ndarray, boxes: int, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct scores, and the false boxes per frame and the recall at each."""
    order = np.argsort(-score, kind="stable")
    # A threshold cannot separate equal scores, so only the last of each run of them is a point of the curve.
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))
    hits = np.cumsum(hit[order])[last]
    return score[order][last], (last + 1 - hits) / frames, hits / boxes


def _reported(hit: np.ndarray, boxes: int, frames: int) -> ReportedObjects:
    hits = int(hit.sum())
    return ReportedObjects(hits / boxes, hits / max(len(hit), 1), (len(hit) - hits) / frames)


def froc_of_groups(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    exclude: Sequence[str] = (),
    ignore: Sequence[np.ndarray] | None = None,
    reported: Sequence[np.ndarray] | None = None,
) -> dict[str, Froc]:
    """Compute `froc` of all objects and without the excluded classes, each also with the ignore regions.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame, down to the lowest scores.
        class_names: the names that the frames' ``class_id`` indexes.
        exclude: names of classes.
        ignore: for each frame, ``(R, 4)`` ignore regions; None leaves out the curves with them.
        reported: for each frame, ``(N,)`` bool, which detections its model reports; None for none.

    Returns:
        The curves by a name such as ``all objects``, ``without wall`` or ``without wall, audited``.
    """
    curves = {}
    for audit, regions in {"": None, ", audited": ignore}.items():
        if audit and regions is None:
            continue
        curves[f"all objects{audit}"] = froc(frames, detections, class_names, (), regions, reported)
        if exclude:
            name = f"without {', '.join(exclude)}{audit}"
            curves[name] = froc(frames, detections, class_names, exclude, regions, reported)
    return curves


def as_detections(xyxy: np.ndarray, objectness: np.ndarray) -> Detections:
    """Return proposals as detections of one class.

    Args:
        xyxy: ``(N, 4)`` boxes in pixels.
        objectness: ``(N,)`` in [0, 1], falling.

    Returns:
        The detections; their score is the objectness.
    """
    return Detections(xyxy, objectness, np.zeros(len(xyxy), np.int64), objectness, ("object",))


def plot_froc(path: Path, curves: Mapping[str, Froc]) -> None:
    """Draw FROC curves against a logarithmic axis of false boxes per frame.

    Args:
        path: the PNG to write; its folder is created if it does not exist.
        curves: name → curve.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    points = {name: (DRAWN_RATES, [curve.recall_at(rate) for rate in DRAWN_RATES]) for name, curve in curves.items()}
    plot_curves(path, points, "false boxes per frame", "class-agnostic recall at IoU 0.5", log_x=True)


def drop_ignored(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], ignore: Sequence[np.ndarray]
) -> list[Detections]:
    """Leave out the detections that match an ignore region and no labelled object, at IoU 0.5.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame.
        ignore: for each frame, ``(R, 4)`` ignore regions in pixels.

    Returns:
        The detections that count, of each frame.
    """
    return [
        part[~_only_in(regions, frame.xyxy, part.xyxy)]
        for frame, part, regions in zip(frames, detections, ignore, strict=True)
    ]


def read_ignore_regions(path: Path, frames: Sequence[LabelledFrame]) -> list[np.ndarray]:
    """Read ignore regions from a COCO file: the boxes of an audit that marked debris without a label.

    Frames are paired by the stem of the file name. A frame that the file does not list has no regions.

    Args:
        path: a COCO object with ``images`` and ``annotations``; only the ``bbox`` of an annotation is read.
        frames: the frames to look up.

    Returns:
        For each frame, ``(R, 4)`` float32 boxes in pixels.

    Raises:
        SonarDebrisError: the file cannot be read, is not such an object, or lists none of the frames.
    """
    try:
        check_regular_file(path)
        annotations = group_by_stem(
            json.loads(path.read_text(encoding="utf-8-sig")), {Path(frame.name).name for frame in frames}
        )
        regions = {name: _read_boxes(items) for name, items in annotations.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else one_line(error)
        raise SonarDebrisError(f"{path}: not a readable COCO file of boxes to ignore ({reason:.200})") from error
    stems = [Path(frame.name).name for frame in frames]
    if not any(stem in regions for stem in stems):
        raise SonarDebrisError(
            f"{path}: lists none of the {len(frames)} frames, e.g. {stems[0]}; give the audit of these frames"
        )
    return [regions.get(stem, np.zeros((0, 4), np.float32)) for stem in stems]


def _read_boxes(annotations: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the boxes ``(N, 4)`` of annotations."""
    for annotation in annotations:
        box = annotation["bbox"]
        numbers = box if isinstance(box, list) and len(box) == 4 else [None]
        if not all(isinstance(number, int | float) and abs(number) < MAX_NUMBER for number in numbers):
            raise ValueError(f"bbox must be four numbers. Received: {box!r:.80}")
        if min(box[2:]) < 0:
            raise ValueError(f"a box has a size of 0 or more. Received: {box}")
    xywh = np.array([annotation["bbox"] for annotation in annotations], np.float32).reshape(-1, 4)
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
