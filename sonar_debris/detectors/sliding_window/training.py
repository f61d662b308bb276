"""What the box refiner learns: boxes that overlap, and an honest guess of how much they do.

MERGED:
What one stage of the pipeline hands on to the next, gathered on training frames for the next to learn from.
---
Train the objectness network on the IoU of windows with labelled boxes, whatever their class.
---
Train the box refiner on proposals around labelled boxes and on background.
---
Train the three networks of the detection pipeline and put them together as one model folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
from keras import ops

from sonar_debris.classifiers.crop_classifier import BACKGROUND, CropClassifier
from sonar_debris.classifiers.training import train_classifier
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.model_folder import IDENTITY, SlidingWindowSettings
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.detectors.sliding_window.networks import CONTEXT, build_box_refiner, build_objectness, make_dense
from sonar_debris.detectors.sliding_window.proposals import propose, refine
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.detectors.thresholds import choose_thresholds
from sonar_debris.frames import open_frames
from sonar_debris.networks import load_network
from sonar_debris.training import TrainingConfig, fit, with_progress


@keras.saving.register_keras_serializable("sonar_debris")
def refinement_loss(target, predicted):
    """Distance-IoU loss on offsets, and cross-entropy between the guessed and the reached IoU.

    All boxes are in units of their proposal, which is ``[-0.5, -0.5, 0.5, 0.5]``.

    Args:
        target: ``(batch, 5)``: the four offsets to the object's box, and 1 where there is an object, else 0.
        predicted: ``(batch, 5)``: four offsets and the guessed IoU in (0, 1).

    Returns:
        ``(batch,)`` losses.

    References:
        Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7.
        Zhang et al., VarifocalNet, 2021, arXiv:2008.13367 (the reached IoU as the target of the score).
    """
    present = target[:, 4]
    true, guess = _boxes(target), _boxes(predicted)
    overlap, distance = _overlap_and_distance(true, guess)
    reached = ops.stop_gradient(overlap) * present
    score = ops.clip(predicted[:, 4], 1e-6, 1 - 1e-6)
    entropy = -(reached * ops.log(score) + (1 - reached) * ops.log(1 - score))
    return present * (1 - overlap + distance) + entropy


def _boxes(offsets):
    """Low and high corners, each ``(batch, 2)``."""
    # A stretch beyond e² either way is no refinement; the bound keeps the exponential tame early in training.
    half = ops.exp(ops.clip(offsets[:, 2:4], -2, 2)) / 2
    return offsets[:, :2] - half, offsets[:, :2] + half


def _overlap_and_distance(a, b):
    """IoU, and squared distance of the centres over the squared diagonal of the box around both."""
    side = ops.maximum(ops.minimum(a[1], b[1]) - ops.maximum(a[0], b[0]), 0)
    shared = ops.prod(side, axis=-1)
    union = ops.prod(a[1] - a[0], axis=-1) + ops.prod(b[1] - b[0], axis=-1) - shared
    hull = ops.maximum(a[1], b[1]) - ops.minimum(a[0], b[0])
    between = (a[0] + a[1] - b[0] - b[1]) / 2
    return shared / union, ops.sum(between**2, axis=-1) / ops.sum(hull**2, axis=-1)


# Neighbouring frames are near-copies, and so are their proposals: one frame in this many is enough.
FRAME_STRIDE = 3
WINDOW_STEP = 3
MAX_PROPOSALS = 60


def mine_proposals(objectness: keras.Model, frames: Sequence[TrainingFrame]) -> list[TrainingFrame]:
    """Give one frame in three the proposals that the objectness network makes in it.

    Args:
        objectness: a trained network of `build_objectness`.
        frames: with or without proposals.

    Returns:
        The frames, in order.
    """
    dense = make_dense(objectness, WINDOW_STEP)
    mined = list(frames)
    for number in with_progress(range(0, len(frames), FRAME_STRIDE), "gathering proposals"):
        (proposals,) = propose(dense, [frames[number].image], WINDOW_STEP, MAX_PROPOSALS)
        mined[number] = replace(frames[number], proposals=proposals)
    return mined


def refine_proposals(refiner: keras.Model, frames: Sequence[TrainingFrame]) -> list[TrainingFrame]:
    """Replace the frames' proposals by the boxes that the refiner makes of them.

    Args:
        refiner: a trained network of `build_box_refiner`.
        frames: with proposals, some of them.

    Returns:
        The frames, in order.
    """
    refined = []
    for frame in with_progress(frames, "refining proposals"):
        (boxes,), _ = refine(refiner, [frame.image], [frame.proposals], CONTEXT)
        refined.append(replace(frame, proposals=boxes))
    return refined


def train_objectness(
    train: WindowSampler, val: WindowSampler | None, schedule: TrainingConfig, run: Path
) -> keras.Model:
    """Train a network of `build_objectness`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        schedule: how long and how fast.
        run: gets ``objectness.keras`` and its log.

    Returns:
        The trained network.
    """
    # Cross-entropy with the IoU ramp as a soft target: its minimum is the expected ramp value.
    return fit(
        build_objectness,
        train.objectness,
        val and val.objectness,
        keras.losses.BinaryCrossentropy(),
        schedule,
        run,
        "objectness",
        metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
    )


def train_refiner(train: WindowSampler, val: WindowSampler | None, schedule: TrainingConfig, run: Path) -> keras.Model:
    """Train a network of `build_box_refiner`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        schedule: how long and how fast.
        run: gets ``refiner.keras`` and its log.

    Returns:
        The trained network.
    """
    return fit(build_box_refiner, train.refinement, val and val.refinement, refinement_loss, schedule, run, "refiner")


@dataclass(frozen=True)
class PipelineSchedules:
    """The schedules of the three networks."""

    objectness: TrainingConfig = TrainingConfig(epochs=18, steps=250)
    refiner: TrainingConfig = TrainingConfig(epochs=16, steps=300)
    classifier: TrainingConfig = TrainingConfig(epochs=14, steps=200)

    def each_with(self, seed: int, precision: str) -> "PipelineSchedules":
        """The same lengths and rates with another seed and precision."""
        schedules = (self.objectness, self.refiner, self.classifier)
        return PipelineSchedules(*(replace(one, seed=seed, precision=precision) for one in schedules))


def train_networks(
    train: Sequence[TrainingFrame],
    val: Sequence[TrainingFrame],
    class_names: Sequence[str],
    recipe: PipelineSchedules,
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


def train_proposer(
    train: Sequence[TrainingFrame], recipe: PipelineSchedules, folder: Path
) -> tuple[keras.Model, keras.Model]:
    """Train the objectness network and the box refiner only, as `train_networks` does.

    Returns:
        Both networks.
    """
    return _train_proposer(train, [], recipe, folder)[:2]


def _train_proposer(
    train: Sequence[TrainingFrame], val: Sequence[TrainingFrame], recipe: PipelineSchedules, folder: Path
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
