"""What detectors find in labelled frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sonar_debris.commands.data_options import Selection
from sonar_debris.commands.inputs import load_detector
from sonar_debris.commands.progress import frame_progress
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.frames import Frame


def read_frames(selection: Selection) -> list[LabelledFrame]:
    """List the labelled frames of a selection.

    Raises:
        SonarDebrisError: there are none.
    """
    from sonar_debris.datasets.release import read_watertank
    from sonar_debris.datasets.splits import select_frames

    frames = select_frames(selection.root, read_watertank(selection.root), selection.split, selection.parts)
    if not frames:
        raise SonarDebrisError(f"{selection.root}: no labelled frame in {selection}; choose another part")
    return frames


def find_in(
    selection: Selection, models: Sequence[str], verb: str, calibrated: bool = True
) -> tuple[list[LabelledFrame], list[Any]]:
    """What a detector, or each of several in the fold that was held out of its training, finds.

    Returns:
        The frames, and what is found in each.

    The arguments and errors are those of `find_in_parts`.
    """
    parts = find_in_parts(selection, models, verb, calibrated)
    return [frame for some, _ in parts for frame in some], [one for _, found in parts for one in found]


def find_in_parts(
    selection: Selection, models: Sequence[str], verb: str, calibrated: bool = True
) -> list[tuple[list[LabelledFrame], list[Any]]]:
    """The same, model by model.

    Args:
        selection: which frames.
        models: one, or the models of a cross-validation.
        verb: the detector's method: ``"detect"`` or ``"propose"``.
        calibrated: off for scores as the networks give them, and no alternatives.

    Returns:
        For each model the frames, and what is found in each.

    Raises:
        SonarDebrisError: of several models, not exactly one was held out of each fold.
    """
    detectors = [load_whole_detector(model) for model in models]
    if not calibrated:
        from sonar_debris.detectors.model_folder import IDENTITY

        detectors = [detector.with_settings(calibration=IDENTITY, alternatives=0.0) for detector in detectors]
    parts = []
    for detector, part in assign(detectors, selection):
        warn_of_overlap(detector.settings.data, part)
        frames = read_frames(part)
        parts.append((frames, on_each(frames, getattr(detector, verb))))
    return parts


def assign(detectors: Sequence[DebrisDetector], selection: Selection) -> list[tuple[DebrisDetector, Selection]]:
    """Which detector finds in which parts of a selection."""
    if len(detectors) == 1:
        return [(detectors[0], selection)]
    by_fold = {str(detector.settings.data.get("test_fold")): detector for detector in detectors}
    if selection.split != "scene" or len(by_fold) < len(detectors) or not by_fold.keys() >= set(selection.parts):
        held = ", ".join(f"{detector.name}: {detector.settings.data.get('test_fold')}" for detector in detectors)
        raise SonarDebrisError(f"several models need one a --fold, held out of its training (test folds: {held})")
    return [(by_fold[fold], replace(selection, parts=(fold,))) for fold in selection.parts]


def load_whole_detector(model: str) -> DebrisDetector:
    """Load a detector that leaves no score out, so that its curve is whole."""
    return load_detector(model, min_score=0.0)


def warn_of_overlap(trained_on: dict, selection: Selection) -> None:
    """Say on stderr if a model was, or may have been, trained on what it is to be scored on."""
    from sonar_debris.evaluation.cross_validation import training_overlap

    warning = training_overlap(trained_on, selection.split, selection.parts)
    if warning:
        click.echo(f"warning: {warning}", err=True)


def on_each(frames: Sequence[LabelledFrame], find: Callable[[Frame], Any]) -> list[Any]:
    """Read frame after frame behind a progress bar and keep what is found in each."""
    from sonar_debris.frames import open_frames

    found = []
    with frame_progress(len(frames)) as show_done:
        for frame in frames:
            found.append(find(next(open_frames(frame.path))))
            show_done(len(found))
    return found
