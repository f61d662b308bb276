"""Run detectors on labelled frames, each on the frames that were left out of its training; read stored predictions.

A single detector runs on all frames of a selection. Several detectors are the models of a cross-validation: each runs
on the fold that was left out of its training, and together they cover the selection.
"""

import json
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.training_set import Selection, TestFrames, TrainingDataDescription
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning, one_line
from sonar_debris.evaluation.calibration import IDENTITY
from sonar_debris.files import check_regular_file
from sonar_debris.frames import Frame

Result = TypeVar("Result")
# Pixels and scores of greater numbers, and those that are not finite, are refused.
MAX_NUMBER = 1e9


class TrainedSettings(Protocol):
    """The part of a model's settings that tells what it was trained on."""

    @property
    def training_data(self) -> TrainingDataDescription:
        """The split that the model was trained on, and the part that was left out."""
        ...


class Detector(Protocol):
    """The methods of `sonar_debris.detectors.base.DebrisDetector` that an evaluation calls."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def settings(self) -> TrainedSettings:
        """The model's settings."""
        ...

    def with_settings(self, **changes: Any) -> Self:
        """Return the same detector with other settings."""
        ...

    def detect(self, frame: Frame) -> Detections:
        """Return the detections of a frame."""
        ...

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return proposals ``(N, 4)`` and their objectness ``(N,)``."""
        ...


@dataclass(frozen=True)
class EvaluationPart:
    """A detector and the labelled frames that it is evaluated on.

    Attributes:
        detector: the detector.
        selection: the parts of the split that the frames are from.
        frames: the labelled frames.
    """

    detector: Detector
    selection: TestFrames
    frames: list[LabelledFrame]


def select_frames(selection: TestFrames) -> list[LabelledFrame]:
    """List the labelled frames of a selection.

    Raises:
        SonarDebrisError: there are no such frames, or no such part.
    """
    frames = selection.labelled_frames()
    if not frames:
        raise SonarDebrisError(f"{selection.root}: no labelled frame in {selection}; choose another part")
    return frames


def assign_frames(detectors: Sequence[Detector], selection: Selection) -> list[EvaluationPart]:
    """Assign all frames to a single detector; of several detectors, assign to each the fold left out of its training.

    Args:
        detectors: one detector, or the models of a cross-validation.
        selection: the frames to evaluate on.

    Returns:
        One part for a single detector, one part per fold for several.

    Raises:
        SonarDebrisError: there are several detectors and not exactly one was trained without each fold, or there are
            no such frames.

    Warns:
        SonarDebrisWarning: a detector was, or may have been, trained on its frames.
    """
    parts = []
    for detector, part_selection in _assign_folds(detectors, selection):
        warn_of_overlap(detector.settings.training_data, part_selection)
        parts.append(EvaluationPart(detector, part_selection, select_frames(part_selection)))
    return parts


def _assign_folds(detectors: Sequence[Detector], selection: Selection) -> list[tuple[Detector, Selection]]:
    if len(detectors) == 1:
        return [(detectors[0], selection)]
    by_fold = {str(detector.settings.training_data.left_out): detector for detector in detectors}
    if selection.split != "scene" or len(by_fold) < len(detectors) or not by_fold.keys() >= set(selection.parts):
        folds = ", ".join(f"{detector.name}: {detector.settings.training_data.left_out}" for detector in detectors)
        raise SonarDebrisError(
            f"several models need one model per --fold, trained without that fold (test folds of these models: {folds})"
        )
    return [(by_fold[fold], replace(selection, parts=(fold,))) for fold in selection.parts]


def run_detectors(
    parts: Sequence[EvaluationPart],
    method: Callable[[Detector], Callable[[Frame], Result]],
    progress: Callable[[int, int], None] | None = None,
) -> list[list[Result]]:
    """Run each detector on its frames.

    Args:
        parts: detectors and their frames.
        method: returns the method to call on each frame, such as ``lambda detector: detector.detect``.
        progress: called after each frame with the number of frames done and the number of all frames.

    Returns:
        For each part, the result of each frame.

    Raises:
        FrameReadError: a frame cannot be read.
    """
    total, done = sum(len(part.frames) for part in parts), 0
    results = []
    for part in parts:
        run, part_results = method(part.detector), []
        for frame in part.frames:
            part_results.append(run(frame.load()))
            done += 1
            if progress:
                progress(done, total)
        results.append(part_results)
    return results


def uncalibrated(detector: Detector) -> Detector:
    """Return the detector with the scores of its networks, and without alternative labels."""
    return detector.with_settings(calibration=IDENTITY, alternative_max_score=0.0)


def warn_of_overlap(trained_on: TrainingDataDescription, selection: Selection) -> None:
    """Warn if a model was, or may have been, trained on the data that it is evaluated on.

    Args:
        trained_on: the model's training data.
        selection: the data to evaluate on.

    Warns:
        SonarDebrisWarning: the result of `training_overlap`.
    """
    message = training_overlap(trained_on, selection.split, selection.parts)
    if message:
        warnings.warn(message, SonarDebrisWarning, stacklevel=2)


def training_overlap(trained_on: TrainingDataDescription, split: str, parts: Collection[str]) -> str | None:
    """Describe how the test data overlaps the training data.

    Args:
        trained_on: the model's training data.
        split: the split to evaluate on, ``"scene"`` or ``"random"``.
        parts: folds ``"0"`` … ``"4"``, or parts ``"train"``, ``"val"``, ``"test"``.

    Returns:
        A warning in one line; None if the model was trained without these parts.
    """
    if trained_on.left_out is None:
        return "the test data may overlap the training data: the model does not record what it was trained on"
    if trained_on.split == split and set(parts) == {trained_on.left_out}:
        return None
    return (
        "the test data overlaps the training data, so the figures are too high; the model was trained without part "
        f"{trained_on.left_out} of the {trained_on.split} split"
    )


def read_predictions(path: Path, frames: Sequence[LabelledFrame]) -> tuple[list[Detections], list[str]]:
    """Read the detections of frames from a COCO file. Frames are paired by the stem of the file name.

    Args:
        path: a COCO object with ``images``, ``categories`` and scored ``annotations``.
        frames: the frames to look up.

    Returns:
        The detections of each frame, best score first, and the names of the frames that the file does not list; those
        have no detections.

    Raises:
        SonarDebrisError: the file cannot be read, or is not such an object.
    """
    try:
        check_regular_file(path)
        coco = json.loads(path.read_text(encoding="utf-8-sig"))
        annotations = group_by_stem(coco, {frame.name for frame in frames})
        class_names = {category["id"]: _check_name(category["name"]) for category in coco["categories"]}
        detections = [_read_detections(annotations.get(frame.name, []), class_names) for frame in frames]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else one_line(error)
        raise SonarDebrisError(f"{path}: not a readable COCO file of detections ({reason:.200})") from error
    return detections, [frame.name for frame in frames if frame.name not in annotations]


def group_by_stem(coco: Mapping[str, Any], names: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Group the annotations by the stem of their image's file name.

    Args:
        coco: the content of the file.
        names: the stems to look up, which must not belong to several images.

    Returns:
        The annotations of each image, by its stem.

    Raises:
        ValueError: the content is not a COCO object, or several images have one of these stems.
    """
    if not isinstance(coco, dict):
        raise ValueError("it must be an object with images, categories and annotations")
    stem = {image["id"]: Path(_check_name(image["file_name"])).stem for image in coco["images"]}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for name in stem.values():
        if name in groups and name in names:
            raise ValueError(f"several images are named {name}; detect debris in one folder at a time")
        groups[name] = []
    for annotation in coco["annotations"]:
        if annotation["image_id"] not in stem:
            raise ValueError(f"no image has the id {annotation['image_id']!r:.50} of an annotation")
        groups[stem[annotation["image_id"]]].append(annotation)
    return groups


def _check_name(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"a name must be a text, not {name!r:.50}")
    return name


def _check_annotation(annotation: Mapping[str, Any], class_names: Mapping[Any, str]) -> None:
    """Refuse what would be scored wrong: values that are not finite numbers, and unknown classes."""
    scores = [annotation["score"], annotation.get("objectness", 0)]
    box = annotation["bbox"]
    numbers = [*box, *scores] if isinstance(box, list) and len(box) == 4 else [None]
    if not all(isinstance(number, int | float) and abs(number) < MAX_NUMBER for number in numbers):
        raise ValueError(f"bbox and score must be numbers. Received: {box!r:.80}, {annotation['score']!r:.50}")
    if min(box[2:]) < 0 or not all(0 <= score <= 1 for score in scores):
        raise ValueError(f"a box has a size of 0 or more and a score in [0, 1]. Received: {box}, {scores[0]}")
    if annotation["category_id"] not in class_names:
        raise ValueError(f"no category has the id {annotation['category_id']!r:.50} of an annotation")


def _read_detections(annotations: Sequence[Mapping[str, Any]], class_names: Mapping[int, str]) -> Detections:
    """Convert the annotations of one frame.

    Args:
        annotations: COCO annotations with ``score`` and, if known, ``objectness`` and ``alternative``.
        class_names: names by category id.
    """
    for annotation in annotations:
        _check_annotation(annotation, class_names)
    ranked = sorted(annotations, key=lambda annotation: -annotation["score"])
    class_index = {category_id: index for index, category_id in enumerate(class_names)}
    xywh = np.array([annotation["bbox"] for annotation in ranked], np.float32).reshape(-1, 4)
    return Detections(
        xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        score=np.array([annotation["score"] for annotation in ranked], np.float32),
        class_id=np.array([class_index[annotation["category_id"]] for annotation in ranked], np.int64),
        objectness=np.array([annotation.get("objectness", annotation["score"]) for annotation in ranked], np.float32),
        class_names=tuple(class_names.values()),
        alternative=np.array([annotation.get("alternative") is True for annotation in ranked], bool),
    )
