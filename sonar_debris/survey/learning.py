"""Teach a detector the place of a survey: fine-tune it on the frames that a person reviewed, or on other labels."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sonar_debris.datasets.labels import LabelledFrame, merge_labels, read_labels
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.detection_metrics import DetectionMetrics, evaluate_detections
from sonar_debris.survey.exports import write_labels
from sonar_debris.survey.store import open_survey

Labels = tuple[list[LabelledFrame], tuple[str, ...]]
# Largest number of learnt frames, evenly spaced, on which the models before and after are compared.
MAX_EVALUATED_FRAMES = 200


@dataclass(frozen=True)
class LearningResult:
    """What `learn_survey` made.

    Attributes:
        folder: the model folder.
        frames: number of frames that were learnt.
        boxes: number of labelled boxes in them.
        new_classes: classes that the earlier model did not know.
        before: metrics of the earlier model on the learnt frames, or `MAX_EVALUATED_FRAMES` of them; None if they show
            no object.
        after: metrics of the new model on the same frames. They are no test: the model has learnt these frames.
    """

    folder: Path
    frames: int
    boxes: int
    new_classes: tuple[str, ...]
    before: DetectionMetrics | None
    after: DetectionMetrics | None


def learn_survey(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    model: str | Path | None = None,
    minutes: float | None = 3.0,
    command: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LearningResult:
    """Fine-tune the model of a survey on the frames whose every detection was reviewed, and write a model folder.

    Args:
        folder: the survey's folder.
        output: the model folder to write.
        images: a folder of images that are learnt in addition to the reviewed frames; given with ``labels``.
        labels: their labels: COCO, Pascal VOC or YOLO, see `sonar_debris.datasets.labels.read_labels`.
        model: name or folder of the single-pass model to start from; by default that of the survey.
        minutes: longest time of the training; None for the full number of steps.
        command: the command line to record in ``model.json``.
        progress: called with the number of epochs done and the number of all epochs.

    Returns:
        The model folder, and the metrics before and after.

    Raises:
        SonarDebrisError: no frame was reviewed, labels or the model cannot be read, or the output holds a model.
        FrameReadError: the file of a frame cannot be read any more.
    """
    from sonar_debris.detectors.single_pass.fine_tuning import fine_tune_detector

    if (images is None) != (labels is None):
        raise ValueError("images and labels belong together")
    init = model or _survey_model(folder)
    with TemporaryDirectory() as temporary:
        frames, class_names = _collect_labels(Path(folder), Path(temporary), images, labels)
        earlier = DebrisDetector.from_pretrained(init, min_score=0.0)
        model_folder = fine_tune_detector(
            frames,
            class_names,
            output,
            init=init,
            minutes=minutes,
            command=command,
            description={"survey": str(folder), "labels": None if labels is None else str(labels)},
            progress=progress,
        )
        learnt = DebrisDetector.from_pretrained(model_folder, min_score=0.0)
        compared = frames[:: -(-len(frames) // MAX_EVALUATED_FRAMES)]
        before, after = (_evaluate(detector, compared, class_names) for detector in (earlier, learnt))
    return LearningResult(
        model_folder,
        len(frames),
        sum(len(frame.xyxy) for frame in frames),
        tuple(name for name in learnt.class_names if name not in earlier.class_names),
        before,
        after,
    )


def _survey_model(folder: str | os.PathLike[str]) -> str:
    """Return the model that the survey was made with."""
    with open_survey(folder) as store:
        return str(store.settings().get("model", DEFAULT_MODEL))


def _collect_labels(
    folder: Path,
    temporary: Path,
    images: str | os.PathLike[str] | None,
    labels: str | os.PathLike[str] | None,
) -> Labels:
    """Return the reviewed frames of a survey, written to a temporary folder, and the labels of other frames."""
    parts = []
    try:
        written = write_labels(folder, temporary, "coco").folder
        parts.append(read_labels(written / "images", written / "labels.json"))
    except SonarDebrisError:
        if labels is None:
            raise
    if images is not None and labels is not None:
        parts.append(read_labels(images, labels))
    return merge_labels(parts)


def _evaluate(
    detector: DebrisDetector, frames: Sequence[LabelledFrame], class_names: Sequence[str]
) -> DetectionMetrics | None:
    if not any(len(frame.xyxy) for frame in frames):
        return None
    return evaluate_detections(frames, [detector.detect(frame.load()) for frame in frames], class_names)
