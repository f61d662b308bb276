"""Crop classifiers: networks by name, their training, and template matching as a baseline.

Importing this package is cheap: Keras is imported when a network is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

REGULARISERS = ("batchnorm", "dropout")
ACTIVATIONS = ("sigmoid", "tanh", "relu")

# Builder and options of each classifier. The builders are in `sonar_debris.classifiers.networks`.
_BUILDERS: dict[str, tuple[str, dict[str, str]]] = {"residual": ("build_residual_classifier", {})}
for _regulariser in REGULARISERS:
    _BUILDERS[f"cnn-{_regulariser}"] = ("build_cnn_classifier", {"regulariser": _regulariser})
for _regulariser in REGULARISERS:
    for _activation in ACTIVATIONS:
        _options = {"regulariser": _regulariser, "activation": _activation}
        _BUILDERS[f"mlp-{_regulariser}-{_activation}"] = ("build_mlp_classifier", _options)

CLASSIFIER_NAMES = tuple(_BUILDERS)


def build_classifier(name: str, classes: int, size: int = 64, **options: Any) -> keras.Model:
    """Build an untrained crop classifier.

    Args:
        name: one of `CLASSIFIER_NAMES`.
        classes: number of classes.
        size: side of the square crops in pixels.
        options: more options of the builder, e.g. ``momentum``.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.

    Raises:
        ValueError: no classifier has this name.
    """
    if name not in _BUILDERS:
        raise ValueError(f"name must be one of {', '.join(CLASSIFIER_NAMES)}. Received: {name!r}")
    from sonar_debris.classifiers import networks

    builder, own_options = _BUILDERS[name]
    return getattr(networks, builder)(classes, size=size, **own_options, **options)
