"""Train the three networks of the detection pipeline and put them together as one model folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.datasets.windows import WindowSampler
from sonar_debris.detection.classifier import BACKGROUND, CropClassifier
from sonar_debris.detection.settings import IDENTITY, SlidingWindowSettings
from sonar_debris.detection.sliding_window import SlidingWindowDetector
from sonar_debris.detection.weights import load_network
from sonar_debris.frames import open_frames
from sonar_debris.training.classifier import train_classifier
from sonar_debris.training.fit import Schedule
from sonar_debris.training.mining import mine_proposals, refine_proposals
from sonar_debris.training.objectness import train_objectness
from sonar_debris.training.refiner import train_refiner
from sonar_debris.training.thresholds import choose_thresholds


@dataclass(frozen=True)
class Recipe:
    """The schedules of the three networks."""

    objectness: Schedule = Schedule(epochs=18, steps=250)
    refiner: Schedule = Schedule(epochs=16, steps=300)
    classifier: Schedule = Schedule(epochs=14, steps=200)

    def each_with(self, seed: int, precision: str) -> "Recipe":
        """The same lengths and rates with another seed and precision."""
        schedules = (self.objectness, self.refiner, self.classifier)
        return Recipe(*(replace(one, seed=seed, precision=precision) for one in schedules))


def train_networks(
    train: Sequence[TrainingFrame],
    val: Sequence[TrainingFrame],
    class_names: Sequence[str],
    recipe: Recipe,
    folder: Path,
) -> None:
    """Train what the folder does not hold yet: an interrupted training goes on where it stopped.

    Each stage learns from what the one before it hands on: the refiner from proposals of the objectness
    network, the classifier, whose last class is background, from boxes of the refiner.

    Args:
        train: frames to learn from.
        val: frames whose loss is logged beside; may be empty.
        class_names: one name a class.
        recipe: schedules.
        folder: gets ``objectness.keras``, ``refiner.keras``, ``classifier.keras`` and their logs.
    """
    if all((folder / f"{name}.keras").is_file() for name in ("objectness", "refiner", "classifier")):
        return
    _, refiner, train, val = _train_proposer(train, val, recipe, folder)
    drawn, held = _samplers(*(refine_proposals(refiner, frames) for frames in (train, val)), len(class_names))
    draw = drawn.classification, held and held.classification
    names = (*class_names, BACKGROUND)
    _trained(folder, "classifier", lambda: train_classifier("residual", names, *draw, recipe.classifier, folder))


def train_proposer(train: Sequence[TrainingFrame], recipe: Recipe, folder: Path) -> tuple[keras.Model, keras.Model]:
    """Train the objectness network and the box refiner only, as `train_networks` does.

    Returns:
        Both networks.
    """
    return _train_proposer(train, [], recipe, folder)[:2]


def _train_proposer(
    train: Sequence[TrainingFrame], val: Sequence[TrainingFrame], recipe: Recipe, folder: Path
) -> tuple[keras.Model, keras.Model, list[TrainingFrame], list[TrainingFrame]]:
    """The two networks, and the frames with the proposals of the first."""
    plain = _samplers(train, val)
    objectness = _trained(folder, "objectness", lambda: train_objectness(*plain, recipe.objectness, folder))
    train, val = (mine_proposals(objectness, frames) for frames in (train, val))
    mined = _samplers(train, val)
    return objectness, _trained(folder, "refiner", lambda: train_refiner(*mined, recipe.refiner, folder)), train, val


def _trained(folder: Path, name: str, train: Callable[[], keras.Model]) -> keras.Model:
    path = folder / f"{name}.keras"
    return load_network(path) if path.is_file() else train()


def _samplers(
    train: Sequence[TrainingFrame], val: Sequence[TrainingFrame], background_class: int = -1
) -> tuple[WindowSampler, WindowSampler | None]:
    held = WindowSampler(val, augmented=False, background_class=background_class) if val else None
    return WindowSampler(train, background_class=background_class), held


def calibrate(folder: Path, settings: SlidingWindowSettings, val: Sequence[LabelledFrame]) -> SlidingWindowSettings:
    """Calibrate the scores and choose the score threshold on validation frames.

    Args:
        folder: with the three networks.
        settings: of the pipeline.
        val: validation frames.

    Returns:
        The settings as `choose_thresholds` gives them.
    """
    classifier = CropClassifier(load_network(folder / "classifier.keras"), (*settings.class_names, BACKGROUND))
    networks = load_network(folder / "objectness.keras"), load_network(folder / "refiner.keras")
    detector = SlidingWindowDetector(*networks, classifier, replace(settings, min_score=0.0, calibration=IDENTITY))
    return choose_thresholds(settings, [(val, [detector.detect(next(open_frames(frame.path))) for frame in val])])
