"""``sonar-debris evaluate``: figures of detectors, proposals and classifiers on labelled data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.cross_validation import find_in, load_whole_detector, read_frames, warn_of_overlap
from sonar_debris.commands.data_options import Selection, with_selection
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from sonar_debris.classifiers.crop_classifier import CropClassifier

with_models = click.option(
    "--model",
    "models",
    multiple=True,
    default=(DEFAULT_MODEL,),
    show_default=True,
    metavar="NAME|PATH",
    help="A shipped model or a path. Repeat it for the models of a cross-validation: each finds in its test fold only.",
)
with_json = click.option(
    "--json",
    "output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="OUT.json",
    help="Also write the figures to this file.",
)


@click.group()
def evaluate() -> None:
    """Measure classifiers, proposals and detections on labelled frames.

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
    help="Score these detections and run no model; frames are paired by the stem of their file names.",
)
@with_json
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Draw precision-recall curves, the confusion matrix, the worst misses and false alarms there.",
)
def detections(
    selection: Selection, models: tuple[str, ...], predictions: Path | None, output: Path | None, report: Path | None
) -> None:
    """Average precision with intervals, recall and best F1 of a detector; by class, object size and scene.

    \b
    Example:
      sonar-debris evaluate detections --data marine-debris-fls --fold 0 --json figures.json --report look
    """
    from sonar_debris.commands.tables import detection_tables, interval_table, share_table
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.datasets.splits import scenes_of
    from sonar_debris.evaluation.average_precision import bootstrap_map
    from sonar_debris.evaluation.cross_validation import read_predictions
    from sonar_debris.evaluation.detection_metrics import (
        align_class_names,
        detection_metrics,
        match_detections,
        metrics_by_scene,
        metrics_by_size,
    )

    if predictions:
        frames = read_frames(selection)
        found, missing = read_predictions(predictions, frames)
    else:
        frames, found, missing = *find_in(selection, models, "detect"), []
    named = [align_class_names(one, CLASS_NAMES) for one in found]
    scenes = scenes_of(selection.root, frames)
    metrics = detection_metrics(frames, named, CLASS_NAMES)
    intervals = bootstrap_map(match_detections(frames, named, CLASS_NAMES), scenes)
    sizes, places = metrics_by_size(frames, named, CLASS_NAMES), metrics_by_scene(frames, named, CLASS_NAMES, scenes)
    show([*detection_tables(metrics), interval_table(intervals)])
    show([share_table(sizes, "Size of the object, √area"), share_table(places, "Scene")])
    click.echo(
        f"{metrics.frames} frames of {selection}: {metrics.detections} named detections, {metrics.unknown} unknown"
    )
    if missing:
        click.echo(f"warning: {len(missing)} frames not in {predictions} count as empty, e.g. {missing[0]}", err=True)
    if report:
        from sonar_debris.evaluation.mistakes import draw_report

        draw_report(report, frames, named, CLASS_NAMES, metrics, scenes)
        click.echo(f"pictures in {report}")
    parts = {"intervals": intervals, "by_size": sizes, "by_scene": places}
    parts = {name: {key: asdict(one) for key, one in each.items()} for name, each in parts.items()}
    write(output, selection, predictions or ", ".join(models), asdict(metrics) | parts | {"frames_missing": missing})


@evaluate.command()
@with_selection
@with_models
@with_json
def proposals(selection: Selection, models: tuple[str, ...], output: Path | None) -> None:
    """Recall of a detector's proposals, whatever their class, at 10, 30, 60 and 100 a frame.

    \b
    Example:
      sonar-debris evaluate proposals --data marine-debris-fls --fold 0
    """
    from sonar_debris.commands.tables import recall_table
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.evaluation.proposal_recall import proposal_recall, recall_by_class

    frames, found = find_in(selection, models, "propose")
    xyxy, objectness = zip(*found, strict=True)
    recall = proposal_recall(frames, xyxy, objectness)
    classes = recall_by_class(frames, xyxy, objectness, CLASS_NAMES)
    show([recall_table({"all objects": recall} | classes, "Class-agnostic recall of proposals at IoU 0.5")])
    click.echo(f"{len(frames)} frames of {selection}: {sum(map(len, xyxy))} proposals")
    write(
        output, selection, ", ".join(models), {"frames": len(frames), "recall50": recall, "recall50_by_class": classes}
    )


@evaluate.command()
@with_selection
@click.option("--model", default="sliding-window", show_default=True, metavar="NAME|PATH", help="Whose classifier.")
@with_json
def classifier(selection: Selection, model: str, output: Path | None) -> None:
    """Accuracy, figures by class, confusion and calibration of a crop classifier.

    \b
    Example:
      sonar-debris evaluate classifier --data marine-debris-fls --model classifier.keras --split random --part test
    """
    from sonar_debris.commands.tables import classification_tables
    from sonar_debris.evaluation.classification_metrics import classification_metrics

    network = load_classifier(model, selection)
    images, class_id = read_images(selection, network.class_names)
    metrics = classification_metrics(class_id, network.predict(images), network.class_names)
    show(classification_tables(metrics))
    click.echo(f"{len(images)} crops of {selection}")
    write(output, selection, model, asdict(metrics))


def read_images(selection: Selection, class_names: Sequence[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Read the crops of a selection.

    Args:
        selection: which crops.
        class_names: the classifier's.

    Returns:
        N images ``(rows, cols)``, turned as they lie in frames, and their ``(N,)`` indices into ``class_names``.

    Raises:
        SonarDebrisError: there is a crop class that the classifier does not know.
    """
    import numpy as np

    from sonar_debris.datasets.release import crop_class_names, load_crop, read_crops
    from sonar_debris.datasets.splits import select_crops

    names = crop_class_names(selection.root)
    strange = [name for name in names if name not in class_names]
    if strange:
        raise SonarDebrisError(f"the classifier does not know the class {', '.join(strange)}; choose another --model")
    crops = select_crops(selection.root, read_crops(selection.root), selection.split, selection.parts)
    class_id = np.array([class_names.index(names[crop.class_id]) for crop in crops], np.int64)
    return [load_crop(crop) for crop in crops], class_id


def load_classifier(model: str, selection: Selection) -> CropClassifier:
    """Load the classifier of a model, or one by itself from its ``.keras`` file and the ``.json`` beside it."""
    from sonar_debris.classifiers.crop_classifier import CropClassifier

    if not model.endswith(".keras"):
        detector = load_whole_detector(model)
        warn_of_overlap(detector.settings.data, selection)
        return detector.classifier
    classifier = CropClassifier.load(model)
    warn_of_overlap(json.loads(Path(model).with_suffix(".json").read_text()).get("data", {}), selection)
    return classifier


def show(tables: Iterable[Table]) -> None:
    """Print tables."""
    from rich.console import Console

    Console().print(*tables, sep="\n")


def write(output: Path | None, selection: Selection, scored: str | Path, figures: dict) -> None:
    """Write figures, with what they are figures of, if a file was asked for."""
    from sonar_debris.files import atomic_text

    if output is None:
        return
    about = {
        "scored": str(scored),
        "split": selection.split,
        "parts": selection.parts,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_text(output) as stream:
        json.dump(about | figures, stream, indent=1)
