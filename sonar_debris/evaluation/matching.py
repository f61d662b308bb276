"""Pairs found boxes with true ones, as COCO does."""

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

COCO_IOU = np.linspace(0.5, 0.95, 10)


# Boxes of every size count: COCO's small, medium and large mean nothing in a sonar frame.
ANY_AREA = ((0.0, 1e10),)


def match(
    truth: "COCO",
    found: "COCO",
    limits: Sequence[int] = (1, 10, 100),
    iou: np.ndarray = COCO_IOU,
    areas: Sequence[tuple[float, float]] = ANY_AREA,
) -> "COCOeval":
    """Match by falling score, class by class and frame by frame, each true box at most once.

    Args:
        truth: the true boxes.
        found: the boxes to score, of the same frames and classes.
        limits: how many boxes a frame and class are looked at, for each figure.
        iou: ``(T,)`` least IoU of a match.
        areas: A ranges of areas, in square pixels, that are looked at one by one.

    Returns:
        The accumulated evaluation. Its ``eval["precision"]`` is ``(T, 101, classes, A, limits)`` and its
        ``eval["recall"]`` is ``(T, classes, A, limits)``; -1 where a class has no true box.

    Raises:
        ValueError: when both are not of the same number of frames.
    """
    from pycocotools.cocoeval import COCOeval

    if len(truth.imgs) != len(found.imgs):
        raise ValueError(
            f"one array of boxes a frame is needed. Received: {len(found.imgs)} for {len(truth.imgs)} frames"
        )

    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(truth, found, "bbox")
        run.params.iouThrs = iou
        run.params.maxDets = list(limits)
        run.params.areaRng, run.params.areaRngLbl = [list(each) for each in areas], [str(each) for each in areas]
        run.evaluate()
        run.accumulate()
    return run
