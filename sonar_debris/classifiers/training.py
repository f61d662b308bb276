"""Draw training crops from object crops, as `WindowSampler` does from whole frames.

MERGED:
Train a crop classifier, of any of the networks that name crops.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import ops

from sonar_debris.classifiers.crop_classifier import normalise_crop
from sonar_debris.classifiers.networks import build_cnn_classifier, build_mlp_classifier, build_residual_classifier
from sonar_debris.datasets.augmentation import augment_window, cut_out
from sonar_debris.datasets.release import Crop, load_crop
from sonar_debris.training import TrainingConfig, fit
from sonar_debris.windows import Window

MAX_TURN = np.deg2rad(30)


class CropSampler:
    """Draws crops, each class as likely as any other, turned, moved, scaled, mirrored and changed as a sonar would.

    Args:
        crops: what to draw from; read at once.
        size: side of the crops drawn, in pixels.
        augmented: off for validation, for which each crop is as likely as any other.
    """

    def __init__(self, crops: Sequence[Crop], size: int = 64, augmented: bool = True):
        self.images = [normalise_crop(load_crop(crop)) for crop in crops]
        self.class_id = [crop.class_id for crop in crops]
        self.by_class = [np.flatnonzero(np.equal(self.class_id, k)) for k in sorted(set(self.class_id))]
        self.size = size
        self.augmented = augmented

    def classification(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop ``(size, size, 1)``, aspect kept and crop-wise normalised, and its class."""
        number = self._draw(rng)
        image = self.images[number]
        crop = self._window(image.shape, rng).cut(image, self.size)
        if self.augmented:
            crop = augment_window(crop, rng)
            crop = cut_out(crop, rng) if rng.random() < 0.5 else crop
        return normalise_crop(crop)[..., None], self.class_id[number]

    def _draw(self, rng: np.random.Generator) -> int:
        if not self.augmented:
            return rng.integers(len(self.images))
        # Each class as often as any other: on new places rare ones are no rarer.
        among = self.by_class[rng.integers(len(self.by_class))]
        return among[rng.integers(len(among))]

    def _window(self, shape: tuple[int, int], rng: np.random.Generator) -> Window:
        """A square around the whole crop; what lies beyond the crop comes out at its mean, 0."""
        centre, extent = np.array(shape[::-1]) / 2, np.full(2, float(max(shape)))
        if not self.augmented:
            return Window(centre, extent)
        return Window(
            centre + rng.normal(0, 0.05, 2) * extent,
            extent * np.exp(rng.uniform(-0.2, 0.2)),
            float(rng.uniform(-MAX_TURN, MAX_TURN)),
            bool(rng.random() < 0.5),
        )


CLASSIFIERS: dict[str, Callable[..., keras.Model]] = {
    "residual": build_residual_classifier,
    **{f"cnn-{r}": partial(build_cnn_classifier, regulariser=r) for r in ("batchnorm", "dropout")},
    **{
        f"mlp-{r}-{a}": partial(build_mlp_classifier, regulariser=r, activation=a)
        for r in ("batchnorm", "dropout")
        for a in ("sigmoid", "tanh", "relu")
    },
}


def train_classifier(
    network: str,
    class_names: Sequence[str],
    sample: Callable,
    validation: Callable | None,
    schedule: TrainingConfig,
    run: Path,
    size: int = 64,
    about: dict | None = None,
) -> keras.Model:
    """Train a classifier by name.

    Args:
        network: a key of ``CLASSIFIERS``.
        class_names: one name a class.
        sample: draws a crop ``(size, size, 1)`` and its class from a random generator.
        validation: the same for validation, or None.
        schedule: how long and how fast.
        run: gets ``classifier.keras`` and, with the class names, ``classifier.json``.
        size: side of the crops in pixels.
        about: what else ``classifier.json`` shall say, e.g. what was trained on.

    Returns:
        The trained network.
    """
    run.mkdir(parents=True, exist_ok=True)
    description = {"network": network, "class_names": list(class_names)} | (about or {})
    (run / "classifier.json").write_text(json.dumps(description) + "\n")
    return fit(
        partial(CLASSIFIERS[network], len(class_names), size=size),
        sample,
        validation,
        smoothed_cross_entropy,
        schedule,
        run,
        "classifier",
        metrics=["accuracy"],
    )


@keras.saving.register_keras_serializable("sonar_debris")
def smoothed_cross_entropy(target, predicted):
    """Cross-entropy with 5 % of the target spread over all classes: labels are noisy, and scores should not saturate.

    Args:
        target: ``(batch,)`` class indices.
        predicted: ``(batch, classes)`` probabilities.

    Returns:
        ``(batch,)`` losses.
    """
    one_hot = ops.one_hot(ops.reshape(ops.cast(target, "int32"), (-1,)), predicted.shape[-1])
    return keras.losses.categorical_crossentropy(one_hot, predicted, label_smoothing=0.05)
