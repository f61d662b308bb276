"""Compare the objects of a survey with the ground truth of a simulated dive: counts and identity switches."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import greedy_match
from sonar_debris.files import check_regular_file
from sonar_debris.survey.objects import MIN_FRAMES
from sonar_debris.survey.rows import ObjectDetection
from sonar_debris.survey.store import SurveyStore

# Name of a file without folders, and position of the frame in it.
FrameKey = tuple[str, int]


@dataclass(frozen=True)
class CountEvaluation:
    """How a survey's objects compare with the true ones.

    Attributes:
        true_objects: number of true objects by class; only those visible in at least `MIN_FRAMES` frames, which a
            survey needs to report an object.
        survey_objects: number of the survey's objects by class.
        identity_switches: how often a true object was matched with another object of the survey than in the last frame
            where it was matched.
        matched_boxes: number of true boxes that a detection of an object overlaps with an IoU of 0.5 or more.
        true_boxes: number of true boxes.
    """

    true_objects: Counter[str]
    survey_objects: Counter[str]
    identity_switches: int
    matched_boxes: int
    true_boxes: int


@dataclass(frozen=True)
class _TrueFrame:
    """The true boxes of a frame: ``(N, 4)`` in pixels, and the id of the object that each shows."""

    xyxy: np.ndarray
    object_ids: list[int]


def evaluate_counts(store: SurveyStore, truth: Path) -> CountEvaluation:
    """Compare a survey with the ground truth of ``sonar-debris simulate --dive``.

    Args:
        store: the survey, with its objects found.
        truth: COCO labels whose annotations have an ``object_id``; files are matched by their names without folders.

    Returns:
        The comparison.

    Raises:
        SonarDebrisError: the file does not hold such labels.

    Reference:
        Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics, 2008.
    """
    true_frames, class_names = _read_truth(truth)
    frames_per_object = Counter(object_id for frame in true_frames.values() for object_id in frame.object_ids)
    identity_switches, matched_boxes = _match_tracks(true_frames, store.object_detections())
    return CountEvaluation(
        true_objects=Counter(
            class_names[object_id] for object_id, frames in frames_per_object.items() if frames >= MIN_FRAMES
        ),
        survey_objects=Counter(record.class_name for record in store.objects()),
        identity_switches=identity_switches,
        matched_boxes=matched_boxes,
        true_boxes=frames_per_object.total(),
    )


def _match_tracks(true_frames: dict[FrameKey, _TrueFrame], detections: list[ObjectDetection]) -> tuple[int, int]:
    """Match detections with true boxes frame by frame; return the numbers of identity switches and matched boxes."""
    detections_by_frame: dict[FrameKey, list[ObjectDetection]] = defaultdict(list)
    for detection in detections:
        detections_by_frame[PurePosixPath(detection.file).name, detection.position].append(detection)
    last_object: dict[int, int] = {}
    identity_switches, matched_boxes = 0, 0
    for key, true_frame in sorted(true_frames.items(), key=lambda item: item[0]):
        frame_detections = detections_by_frame[key]
        xyxy = np.array([detection.xyxy for detection in frame_detections], np.float32).reshape(-1, 4)
        for detection, match in zip(frame_detections, greedy_match(true_frame.xyxy, xyxy), strict=True):
            if match >= 0:
                object_id = true_frame.object_ids[match]
                identity_switches += last_object.get(object_id, detection.object) != detection.object
                last_object[object_id] = detection.object
                matched_boxes += 1
    return identity_switches, matched_boxes


def _read_truth(path: Path) -> tuple[dict[FrameKey, _TrueFrame], dict[int, str]]:
    """Read the true boxes of each frame, and the class of each object."""
    try:
        check_regular_file(path)
        truth = json.loads(path.read_text(encoding="utf-8"))
        category_names = {category["id"]: category["name"] for category in truth["categories"]}
        annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in truth["annotations"]:
            annotations[annotation["image_id"]].append(annotation)
        frames = {}
        for image in truth["images"]:
            rows = annotations[image["id"]]
            xywh = np.array([row["bbox"] for row in rows], np.float32).reshape(-1, 4)
            xyxy = np.column_stack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])
            key = PurePosixPath(image["file_name"]).name, image.get("frame_index", 0)
            frames[key] = _TrueFrame(xyxy, [row["object_id"] for row in rows])
        return frames, {row["object_id"]: category_names[row["category_id"]] for row in truth["annotations"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise SonarDebrisError(
            f"{path}: holds no ground truth with object_id, as simulate --dive writes it ({error!r})"
        ) from error
