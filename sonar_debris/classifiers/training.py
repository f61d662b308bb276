"""Train a crop classifier, and draw its training crops from the object crops of the public release."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from sonar_debris.classifiers import build_classifier
from sonar_debris.classifiers.crop_classifier import normalise_crop
from sonar_debris.datasets.augmentation import augment_window, cut_out
from sonar_debris.datasets.release import Crop, crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import select_crops
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.networks import register_loss, smoothed_class_entropy
from sonar_debris.training import Sample, TrainingConfig, fit
from sonar_debris.windows import Window

MAX_ROTATION = np.deg2rad(30)


class CropSampler:
    """Draw training crops: rotated, shifted, scaled, mirrored, and augmented with sonar effects.

    All classes are equally likely: a class that is rare in the training data need not be rare elsewhere.

    Args:
        crops: the crops to draw from; the images are read at once.
        size: side of the drawn crops in pixels.
        augmented: False for validation; then all crops are equally likely, and none is changed.
    """

    def __init__(self, crops: Sequence[Crop], size: int = 64, augmented: bool = True):
        self.images = [normalise_crop(load_crop(crop)) for crop in crops]
        self.class_id = [crop.class_id for crop in crops]
        self.crops_by_class = [
            np.flatnonzero(np.equal(self.class_id, class_id)) for class_id in sorted(set(self.class_id))
        ]
        self.size = size
        self.augmented = augmented

    def classification(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Draw a crop ``(size, size, 1)`` and its class. The crop is normalised, and its aspect ratio is kept."""
        index = self._draw_index(rng)
        image = self.images[index]
        crop = self._draw_window(image.shape, rng).extract(image, self.size)
        if self.augmented:
            crop = augment_window(crop, rng)
            crop = cut_out(crop, rng) if rng.random() < 0.5 else crop
        return normalise_crop(crop)[..., None], self.class_id[index]

    def _draw_index(self, rng: np.random.Generator) -> int:
        if not self.augmented:
            return int(rng.integers(len(self.images)))
        crops_of_class = self.crops_by_class[rng.integers(len(self.crops_by_class))]
        return int(crops_of_class[rng.integers(len(crops_of_class))])

    def _draw_window(self, shape: tuple[int, ...], rng: np.random.Generator) -> Window:
        """Return a square around the whole crop. Outside the crop it has the crop's mean, 0."""
        centre, extent = np.array(shape[::-1]) / 2, np.full(2, float(max(shape)))
        if not self.augmented:
            return Window(centre, extent)
        return Window(
            centre + rng.normal(0, 0.05, 2) * extent,
            extent * np.exp(rng.uniform(-0.2, 0.2)),
            float(rng.uniform(-MAX_ROTATION, MAX_ROTATION)),
            bool(rng.random() < 0.5),
        )


def crop_samplers(training_set: TrainingSet, size: int = 64) -> tuple[tuple[str, ...], CropSampler, CropSampler | None]:
    """Read the release's crops that a training set selects.

    Args:
        training_set: parts to train and to validate on. The random split of the crops has no validation part.
        size: side of the drawn crops in pixels.

    Returns:
        Class names, the sampler of training crops, and that of validation crops, or None without a validation part.

    Raises:
        SonarDebrisError: the folder holds no crops, or the scenes of the crops are unknown.
    """
    crops = read_crops(training_set.root)
    train_parts = [part for part in training_set.train if part != "val"]
    val_parts = [part for part in training_set.val if part != "val"]
    train = CropSampler(select_crops(training_set.root, crops, training_set.split, train_parts), size)
    val = None
    if val_parts:
        selected = select_crops(training_set.root, crops, training_set.split, val_parts)
        val = CropSampler(selected, size, augmented=False)
    return crop_class_names(training_set.root), train, val


def train_classifier(
    network: str,
    class_names: Sequence[str],
    sample: Sample,
    validation: Sample | None,
    config: TrainingConfig,
    run: Path,
    size: int = 64,
    description: dict[str, Any] | None = None,
) -> keras.Model:
    """Train a crop classifier.

    Args:
        network: one of `CLASSIFIER_NAMES`.
        class_names: the name of each class.
        sample: draws a crop ``(size, size, 1)`` and its class from a random generator.
        validation: draws a validation crop and its class, or None.
        config: length and learning rate.
        run: folder of ``classifier.keras``, its log, and ``classifier.json`` with the class names.
        size: side of the crops in pixels.
        description: more entries for ``classifier.json``, e.g. the training data.

    Returns:
        The trained network.
    """
    run.mkdir(parents=True, exist_ok=True)
    content = {"network": network, "class_names": list(class_names)} | (description or {})
    (run / "classifier.json").write_text(json.dumps(content) + "\n")
    build = partial(build_classifier, network, len(class_names), size)
    return fit(build, sample, validation, smoothed_cross_entropy, config, run, name="classifier", metrics=["accuracy"])


@register_loss
def smoothed_cross_entropy(target: KerasTensor, predicted: KerasTensor) -> KerasTensor:
    """Return the cross-entropy with 5 % of the target spread over all classes.

    Labels are noisy, and the scores should not saturate.

    Args:
        target: ``(batch,)`` or ``(batch, 1)`` class indices.
        predicted: ``(batch, classes)`` probabilities.

    Returns:
        ``(batch,)`` losses.
    """
    class_id = ops.reshape(ops.cast(target, "int32"), (-1,))
    return smoothed_class_entropy(class_id, predicted, smoothing=0.05)
