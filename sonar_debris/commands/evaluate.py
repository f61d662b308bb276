"""``sonar-debris evaluate``: measure detectors, proposals and classifiers on labelled data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sonar_debris.commands.data_options import with_selection, with_test_frames
from sonar_debris.commands.evaluation_data import (
    EXISTING_FILE,
    check_froc_options,
    load_detectors,
    read_detections,
    read_regions,
    run_models,
    warn_of_cut_curve,
    with_froc_options,
    with_models,
)
from sonar_debris.commands.inputs import load_detector
from sonar_debris.datasets.training_set import Selection, TestFrames
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from sonar_debris.classifiers.crop_classifier import CropClassifier

with_json = click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.json",
    help="Also write the metrics to this file.",
)
with_report = click.option(
    "-o",
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Draw the FROC into this folder; of detections also precision and recall, confusion matrix and worst errors.",
)


@click.group()
def evaluate() -> None:
    """Measure classifiers, proposals and detections on labelled data.

    \b
    Example:
      sonar-debris evaluate detections --data marine-debris-fls --fold 0
    """


@evaluate.command()
@with_test_frames
@with_models
@click.option(
    "--predictions",
    type=EXISTING_FILE,
    metavar="FILE.coco.json",
    help="Score these detections instead of running a model. Frames are paired by the stem of their file names.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="Print what is reported at this score.  [default: the model's thresholds]",
)
@click.option(
    "--thresholds-of",
    metavar="NAME|PATH",
    help="Use calibration and thresholds of this model, e.g. with the models of its cross-validation.",
)
@with_froc_options
@with_json
@with_report
def detections(
    selection: TestFrames,
    models: tuple[str, ...],
    predictions: Path | None,
    min_score: float | None,
    thresholds_of: str | None,
    exclude: tuple[str, ...],
    ignore: Path | None,
    output: Path | None,
    report: Path | None,
) -> None:
    """FROC, average precision with intervals, recall and best F1 of a detector; by class, object size and scene.

    \b
    Example:
      sonar-debris evaluate detections --data marine-debris-fls --fold 0 --exclude wall --json metrics.json -o pictures
      sonar-debris evaluate detections --images test-frames --labels test.json --model my-model
    """
    from sonar_debris.commands.tables import audit_table, detection_tables, froc_tables, interval_table, subset_table
    from sonar_debris.datasets.splits import scenes_of
    from sonar_debris.evaluation.average_precision import bootstrap_map
    from sonar_debris.evaluation.detection_metrics import (
        evaluate_detections,
        match_detections,
        metrics_by_scene,
        metrics_by_size,
    )
    from sonar_debris.evaluation.froc import drop_ignored, froc_of_groups, plot_froc

    class_names = selection.class_names
    check_froc_options(selection, exclude, ignore)
    reported: list[np.ndarray] | None = None
    missing: list[str] = []
    if predictions:
        frames, frame_detections, missing = read_detections(selection, predictions)
        if min_score is not None:
            reported = [part.score >= min_score for part in frame_detections]
    else:
        detectors = load_detectors(models, min_score, thresholds_of)
        frames, frame_detections, frame_models = run_models(selection, detectors, lambda detector: detector.detect)
        reported = [model.reports(part) for model, part in zip(frame_models, frame_detections, strict=True)]
    regions = read_regions(ignore, frames)
    scenes = scenes_of(selection.root, frames)
    curves = froc_of_groups(frames, frame_detections, class_names, exclude, regions, reported)
    metrics = evaluate_detections(frames, frame_detections, class_names)
    intervals = bootstrap_map(match_detections(frames, frame_detections, class_names), scenes)
    by_size = metrics_by_size(frames, frame_detections, class_names)
    by_scene = metrics_by_scene(frames, frame_detections, class_names, scenes)
    print_tables([*froc_tables(curves), *detection_tables(metrics), interval_table(intervals)])
    print_tables([subset_table(by_size, "size of the object, √area"), subset_table(by_scene, "scene")])
    audited = None
    if regions is not None:
        audited = evaluate_detections(frames, drop_ignored(frames, frame_detections, regions), class_names)
        print_tables([audit_table(metrics, audited)])
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
    if predictions:
        warn_of_cut_curve(predictions, curves)
    if report:
        from sonar_debris.evaluation.mistakes import draw_report

        draw_report(report, frames, frame_detections, class_names, metrics, scenes)
        plot_froc(report / "froc.png", curves)
        click.echo(f"pictures in {report}")
    figures = {
        **asdict(metrics),
        "froc": {name: curve.figures() for name, curve in curves.items()},
        "intervals": {name: asdict(interval) for name, interval in intervals.items()},
        "by_size": {name: asdict(subset) for name, subset in by_size.items()},
        "by_scene": {name: asdict(subset) for name, subset in by_scene.items()},
        "audited": audited and asdict(audited),
        "frames_missing": missing,
    }
    write_json(output, selection, str(predictions or ", ".join(models)), figures)


@evaluate.command()
@with_test_frames
@with_models
@with_froc_options
@with_json
@with_report
def proposals(
    selection: TestFrames,
    models: tuple[str, ...],
    exclude: tuple[str, ...],
    ignore: Path | None,
    output: Path | None,
    report: Path | None,
) -> None:
    """FROC of a detector's proposals, and their class-agnostic recall at 10, 30, 60 and 100 per frame.

    \b
    Example:
      sonar-debris evaluate proposals --data marine-debris-fls --fold 0 --exclude wall
    """
    from sonar_debris.commands.tables import froc_tables, recall_table
    from sonar_debris.evaluation.froc import as_detections, froc_of_groups, plot_froc
    from sonar_debris.evaluation.proposal_recall import proposal_recall, recall_by_class

    class_names = selection.class_names
    check_froc_options(selection, exclude, ignore)
    frames, frame_proposals, _ = run_models(
        selection, load_detectors(models), lambda detector: detector.propose, needs_classes=False
    )
    xyxy = [boxes for boxes, _ in frame_proposals]
    objectness = [scores for _, scores in frame_proposals]
    recall = proposal_recall(frames, xyxy, objectness)
    by_class = recall_by_class(frames, xyxy, objectness, class_names)
    boxes = [as_detections(*boxes_of_frame) for boxes_of_frame in frame_proposals]
    curves = froc_of_groups(frames, boxes, class_names, exclude, read_regions(ignore, frames))
    print_tables(froc_tables(curves))
    print_tables([recall_table({"all objects": recall} | by_class, "Class-agnostic recall of proposals at IoU 0.5")])
    click.echo(f"{len(frames)} frames of {selection}: {sum(map(len, xyxy))} proposals")
    if report:
        plot_froc(report / "froc.png", curves)
        click.echo(f"pictures in {report}")
    figures = {
        "frames": len(frames),
        "froc": {name: curve.figures() for name, curve in curves.items()},
        "recall50": recall,
        "recall50_by_class": by_class,
    }
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


def write_json(output: Path | None, selection: TestFrames, scored: str, figures: Mapping[str, Any]) -> None:
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
    evaluated = {"scored": scored, **selection.describe()}
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_text(output) as stream:
        json.dump(evaluated | dict(figures), stream, indent=1)
