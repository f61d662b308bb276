"""Train a crop classifier, of any of the networks that name crops."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras
from keras import ops

from sonar_debris.networks.cnn_classifier import build_cnn_classifier
from sonar_debris.networks.mlp_classifier import build_mlp_classifier
from sonar_debris.networks.residual_classifier import build_residual_classifier
from sonar_debris.training.fit import Schedule, fit

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
    schedule: Schedule,
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
