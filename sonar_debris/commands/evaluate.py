"""``sonar-debris evaluate``: measure detectors, proposals and classifiers on labelled data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sonar_debris.commands.data_options import with_selection
from sonar_debris.commands.inputs import load_detector
from sonar_debris.commands.progress import frame_progress
from sonar_debris.datasets.training_set import Selection
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from rich.table import Table

    from sonar_debris.classifiers.crop_classifier import CropClassifier
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.evaluation.cross_validation import Detector
    from sonar_debris.frames import Frame

Result = TypeVar("Result")

with_models = click.option(
    "--model",
    "models",
    multiple=True,
    default=(DEFAULT_MODEL,),
    show_default=True,
    metavar="NAME|PATH",
    help="A shipped model or a path. Repeat it for the models of a cross-validation: each runs on its test fold only.",
)
with_json = click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.json",
    help="Also write the metrics to this file.",
)


@click.group()
def evaluate() -> None:
    """Measure classifiers, proposals and detections on labelled data.

    \b
    Example:
      sonar-debris evaluate detections --data marine-debris-fls --fold 0
    """


@evaluate.command()
@with_selection
@with_models
@click.option(
    "--predictions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.coco.json",
    help="Score these detections instead of running a model. Frames are paired by the stem of their file names.",
)
@with_json
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Draw precision-recall curves, the confusion matrix, the worst misses and false alarms into this folder.",
)
def detections(
    selection: Selection, models: tuple[str, ...], predictions: Path | None, output: Path | None, report: Path | None
) -> None:
    """Average precision with intervals, recall and best F1 of a detector; by class, object size and scene.

    \b
    Example:
      sonar-debris evaluate detections --data marine-debris-fls --fold 0 --json metrics.json --report pictures
    """
    from sonar_debris.commands.tables import detection_tables, interval_table, subset_table
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.datasets.splits import scenes_of
    from sonar_debris.evaluation.average_precision import bootstrap_map
    from sonar_debris.evaluation.cross_validation import read_predictions, select_frames
    from sonar_debris.evaluation.detection_metrics import (
        evaluate_detections,
        match_detections,
        metrics_by_scene,
        metrics_by_size,
    )

    missing: list[str] = []
    if predictions:
        frames = select_frames(selection)
        frame_detections, missing = read_predictions(predictions, frames)
    else:
        frames, frame_detections = run_models(selection, models, lambda detector: detector.detect)
    scenes = scenes_of(selection.root, frames)
    metrics = evaluate_detections(frames, frame_detections, CLASS_NAMES)
    intervals = bootstrap_map(match_detections(frames, frame_detections, CLASS_NAMES), scenes)
    by_size = metrics_by_size(frames, frame_detections, CLASS_NAMES)
    by_scene = metrics_by_scene(frames, frame_detections, CLASS_NAMES, scenes)
    print_tables([*detection_tables(metrics), interval_table(intervals)])
    print_tables([subset_table(by_size, "size of the object, √area"), subset_table(by_scene, "scene")])
    click.echo(
        f"{metrics.frames} frames of {selection}: {metrics.detections} detections with a class, "
        f"{metrics.unknown} unknown"
    )
    if missing:
        click.echo(
            f"warning: {predictions}: {len(missing)} frames are not listed, e.g. {missing[0]}; "
            "they count as frames without detections",
            err=True,
        )
    if report:
        from sonar_debris.evaluation.mistakes import draw_report

        draw_report(report, frames, frame_detections, CLASS_NAMES, metrics, scenes)
        click.echo(f"pictures in {report}")
    figures = {
        **asdict(metrics),
        "intervals": {name: asdict(interval) for name, interval in intervals.items()},
        "by_size": {name: asdict(subset) for name, subset in by_size.items()},
        "by_scene": {name: asdict(subset) for name, subset in by_scene.items()},
        "frames_missing": missing,
    }
    write_json(output, selection, str(predictions or ", ".join(models)), figures)


@evaluate.command()
@with_selection
@with_models
@with_json
def proposals(selection: Selection, models: tuple[str, ...], output: Path | None) -> None:
    """Class-agnostic recall of a detector's proposals at 10, 30, 60 and 100 per frame.

    \b
    Example:
      sonar-debris evaluate proposals --data marine-debris-fls --fold 0
    """
    from sonar_debris.commands.tables import recall_table
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.evaluation.proposal_recall import proposal_recall, recall_by_class

    frames, frame_proposals = run_models(selection, models, lambda detector: detector.propose)
    xyxy = [boxes for boxes, _ in frame_proposals]
    objectness = [scores for _, scores in frame_proposals]
    recall = proposal_recall(frames, xyxy, objectness)
    by_class = recall_by_class(frames, xyxy, objectness, CLASS_NAMES)
    print_tables([recall_table({"all objects": recall} | by_class, "Class-agnostic recall of proposals at IoU 0.5")])
    click.echo(f"{len(frames)} frames of {selection}: {sum(map(len, xyxy))} proposals")
    figures = {"frames": len(frames), "recall50": recall, "recall50_by_class": by_class}
    write_json(output, selection, ", ".join(models), figures)


@evaluate.command()
@with_selection
@click.option(
    "--model",
    default="sliding-window",
    show_default=True,
    metavar="NAME|PATH",
    help="A sliding-window model, or a classifier.keras file.",
)
@with_json
def classifier(selection: Selection, model: str, output: Path | None) -> None:
    """Accuracy, metrics by class, confusion matrix and calibration of a crop classifier.

    \b
    Example:
      sonar-debris evaluate classifier --data marine-debris-fls --model classifier.keras --split random --part test
    """
    from sonar_debris.commands.tables import classification_tables
    from sonar_debris.evaluation.classification_metrics import classification_metrics, load_crops

    network = load_classifier(model, selection)
    images, class_id = load_crops(selection, network.class_names)
    metrics = classification_metrics(class_id, network.predict(images), network.class_names)
    print_tables(classification_tables(metrics))
    click.echo(f"{len(images)} crops of {selection}")
    write_json(output, selection, model, asdict(metrics))


def run_models(
    selection: Selection, models: Iterable[str], method: Callable[[Detector], Callable[[Frame], Result]]
) -> tuple[list[LabelledFrame], list[Result]]:
    """Load models and run each on its frames, with a progress bar.

    Args:
        selection: the frames.
        models: name or path of one model, or of the models of a cross-validation.
        method: see `sonar_debris.evaluation.cross_validation.run_detectors`.

    Returns:
        The frames, and the result of each.
    """
    from sonar_debris.evaluation.cross_validation import assign_frames, run_detectors

    # Every score counts: a threshold would cut the precision-recall curve short.
    parts = assign_frames([load_detector(model, min_score=0.0) for model in models], selection)
    frames = [frame for part in parts for frame in part.frames]
    with frame_progress(len(frames)) as show_done:
        results = run_detectors(parts, method, lambda done, total: show_done(done))
    return frames, [result for part_results in results for result in part_results]


def load_classifier(model: str, selection: Selection) -> CropClassifier:
    """Load the classifier of a model, or a single classifier; warn if it was trained on the selection.

    Args:
        model: name or folder of a sliding-window model, or a ``.keras`` file with a ``.json`` of the same name.
        selection: the crops that it is evaluated on.

    Returns:
        The classifier.

    Raises:
        SonarDebrisError: there is no such model, or it has no classifier.
    """
    from sonar_debris.classifiers.crop_classifier import CropClassifier
    from sonar_debris.datasets.training_set import TrainingDataDescription
    from sonar_debris.evaluation.cross_validation import warn_of_overlap

    if model.endswith(".keras"):
        network = CropClassifier.load(model)
        description = json.loads(Path(model).with_suffix(".json").read_text()).get("data", {})
        warn_of_overlap(TrainingDataDescription.from_json(description), selection)
        return network
    detector = load_detector(model, min_score=0.0)
    model_classifier: CropClassifier | None = getattr(detector, "classifier", None)
    if model_classifier is None:
        raise SonarDebrisError(
            f"{model}: the model has no crop classifier; choose a sliding-window model or a classifier.keras file"
        )
    warn_of_overlap(detector.settings.training_data, selection)
    return model_classifier


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables to stdout."""
    from rich.console import Console

    Console().print(*tables, sep="\n")


def write_json(output: Path | None, selection: Selection, scored: str, figures: Mapping[str, Any]) -> None:
    """Write metrics with a note of what was evaluated; do nothing if the user asked for no file.

    Args:
        output: the file.
        selection: the data that was evaluated on.
        scored: the models or the file that were evaluated.
        figures: the metrics.
    """
    from sonar_debris.files import atomic_text

    if output is None:
        return
    evaluated = {"scored": scored, "split": selection.split, "parts": selection.parts}
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_text(output) as stream:
        json.dump(evaluated | dict(figures), stream, indent=1)
