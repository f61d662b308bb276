"""What the commands of ``sonar-debris evaluate`` share: options, running models, reading stored detections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from sonar_debris.commands.inputs import load_detector
from sonar_debris.commands.progress import frame_progress
from sonar_debris.datasets.training_set import Selection, TestFrames, UserTestSet
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    import numpy as np

    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.detections import Detections
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.evaluation.cross_validation import Detector, EvaluationPart
    from sonar_debris.evaluation.froc import Froc
    from sonar_debris.frames import Frame

Result = TypeVar("Result")
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# A file of detections with lower scores than this is complete.
LOW_SCORE = 0.02

with_models = click.option(
    "--model",
    "models",
    multiple=True,
    default=(DEFAULT_MODEL,),
    show_default=True,
    metavar="NAME|PATH",
    help="A shipped model or a path. Repeat it for the models of a cross-validation: each runs on its test fold only.",
)


def with_froc_options(command: Callable) -> Callable:
    """Add the options --exclude and --ignore."""
    command = click.option(
        "--ignore",
        type=EXISTING_FILE,
        metavar="FILE.coco.json",
        help="Boxes that count neither way, such as debris without a label; print all figures with and without them.",
    )(command)
    return click.option(
        "--exclude",
        multiple=True,
        metavar="CLASS",
        help="Print the FROC without this class too; its boxes then count neither way. Repeat it for more classes.",
    )(command)


def run_models(
    selection: TestFrames,
    detectors: Sequence[DebrisDetector],
    method: Callable[[Detector], Callable[[Frame], Result]],
    needs_classes: bool = True,
) -> tuple[list[LabelledFrame], list[Result], list[DebrisDetector]]:
    """Run each model on its frames at all scores, with a progress bar.

    Args:
        selection: the frames.
        detectors: one model, or the models of a cross-validation.
        method: see `sonar_debris.evaluation.cross_validation.run_detectors`.
        needs_classes: whether the model must know the classes of the user's own labels.

    Returns:
        The frames, the result of each, and the model of each.
    """
    from sonar_debris.evaluation.cross_validation import assign_frames, run_detectors

    if isinstance(selection, Selection):
        parts = assign_frames(detectors, selection)
    else:
        parts = [_user_part(detectors, selection, needs_classes)]
    frames = [frame for part in parts for frame in part.frames]
    # Every score counts: a threshold would cut the curves short.
    complete = [replace(part, detector=part.detector.with_settings(min_score=0.0)) for part in parts]
    with frame_progress(len(frames)) as show_done:
        results = run_detectors(complete, method, lambda done, total: show_done(done))
    models = [cast("DebrisDetector", part.detector) for part in parts for _ in part.frames]
    return frames, [result for part_results in results for result in part_results], models


def load_detectors(
    models: Iterable[str], min_score: float | None = None, thresholds_of: str | None = None
) -> list[DebrisDetector]:
    """Load models.

    Args:
        models: their names or paths.
        min_score: threshold of all; None for their own.
        thresholds_of: name or path of a model whose calibration and thresholds they get; None for their own.

    Returns:
        The models.

    Raises:
        SonarDebrisError: there is no such model, or it cannot be loaded.
    """
    detectors = [load_detector(model, min_score=min_score) for model in models]
    if thresholds_of is None:
        return detectors
    settings = load_detector(thresholds_of, min_score=min_score).settings
    names = ("calibration", "min_score", "unknown_min_score", "object_weights", "alternative_max_score")
    return [detector.with_settings(**{name: getattr(settings, name) for name in names}) for detector in detectors]


def _user_part(detectors: Sequence[DebrisDetector], test_set: UserTestSet, needs_classes: bool) -> EvaluationPart:
    from sonar_debris.evaluation.cross_validation import EvaluationPart

    if len(detectors) > 1:
        raise SonarDebrisError("several models are evaluated on folds of the release; give one --model with --images")
    (detector,) = detectors
    test_set.warn_if_trained_on(detector.settings.training_data)
    if needs_classes:
        test_set.check_classes(detector.settings.class_names, f"model {detector.name}")
    return EvaluationPart(detector, test_set, test_set.labelled_frames())


def read_detections(
    selection: TestFrames, predictions: Path
) -> tuple[list[LabelledFrame], list[Detections], list[str]]:
    """Read stored detections.

    Args:
        selection: the frames.
        predictions: the COCO file.

    Returns:
        The frames, the detections of each, and the names of the frames that the file does not list.

    Raises:
        SonarDebrisError: the file cannot be read, or two frames have the same name.
    """
    from sonar_debris.evaluation.cross_validation import read_predictions, select_frames

    frames = select_frames(selection)
    # Frames in subfolders are paired by the last part of their name, as the file's images are.
    by_stem = {Path(frame.name).name: frame for frame in frames}
    if len(by_stem) < len(frames):
        raise SonarDebrisError(f"{selection.root}: several frames have the same file name; evaluate them by folder")
    frame_detections, missing = read_predictions(
        predictions, [replace(frame, name=stem) for stem, frame in by_stem.items()]
    )
    if isinstance(selection, UserTestSet):
        selection.check_classes({name for part in frame_detections for name in part.class_names}, str(predictions))
    return frames, frame_detections, missing


def read_regions(ignore: Path | None, frames: Sequence[LabelledFrame]) -> list[np.ndarray] | None:
    """Read the ignore regions of frames.

    Args:
        ignore: the file of --ignore, or None.
        frames: the frames.

    Returns:
        For each frame, ``(R, 4)`` boxes; None without a file.

    Raises:
        SonarDebrisError: the file cannot be used for these frames.
    """
    from sonar_debris.evaluation.froc import read_ignore_regions

    return None if ignore is None else read_ignore_regions(ignore, frames)


def check_froc_options(selection: TestFrames, exclude: Sequence[str], ignore: Path | None) -> None:
    """Check --exclude and --ignore before a model runs for minutes.

    Args:
        selection: the frames to evaluate on.
        exclude: the names of classes.
        ignore: the file.

    Raises:
        click.UsageError: a name is not a class of the labels.
        SonarDebrisError: the file cannot be used for these frames.
    """
    unknown = sorted(set(exclude) - set(selection.class_names))
    if unknown:
        classes = ", ".join(selection.class_names)
        raise click.UsageError(f"--exclude: no class {', '.join(unknown)}; choose among {classes}")
    if ignore:
        read_regions(ignore, selection.labelled_frames())


def warn_of_cut_curve(predictions: Path, curves: Mapping[str, Froc]) -> None:
    """Warn if a file has no detections of low score, so that curves end early.

    Args:
        predictions: the file.
        curves: the FROC curves of its detections.
    """
    from sonar_debris.evaluation.froc import FALSE_PER_FRAME

    curve = next(iter(curves.values()))
    lowest, last = curve.threshold[-1:].tolist(), curve.false_per_frame[-1:].tolist()
    if lowest and lowest[0] > LOW_SCORE and last[0] < max(FALSE_PER_FRAME):
        click.echo(
            f"warning: {predictions}: no score is below {lowest[0]:.3g}, so recall ends at {last[0]:.2g} false boxes "
            "per frame, and average precision is too low; write the file with: detect --min-score 0",
            err=True,
        )
