"""The single-pass detector: one look at the whole frame gives objectness, class and box at every location.

References:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385 (trunk).
    Lin et al., Feature Pyramid Networks for Object Detection, 2017, arXiv:1612.03144 (fused features).
    Tian et al., FCOS, 2019, arXiv:1904.01355 (a box as the distances of a location to its four sides).
    Zhang et al., VarifocalNet, 2021, arXiv:2008.13367 (objectness that predicts the IoU of its box).
"""

import keras
from keras import KerasTensor, initializers, layers

from sonar_debris.networks import normalised, residual_block

# Pixels between neighbouring locations; and what both sides of a frame must divide by.
STRIDE = 8
MULTIPLE = 32
# Channels of the first convolution, and of the blocks at strides 4, 8, 16 and 32.
STEM = 16
WIDTHS = ((24,), (48, 48, 48), (96, 96, 96), (160, 160))
# Channels of the fused features and of the two towers.
FUSED = 64


def build_single_pass(classes: int) -> keras.Model:
    """Residual trunk to stride 32, fused upwards to stride 8, a tower for boxes and one for classes.

    Args:
        classes: number of classes.

    Returns:
        A model from normalised frames ``(batch, rows, cols, 1)``, both sides multiples of ``MULTIPLE``, to
        ``(batch, rows / 8, cols / 8, 5 + classes)``: at each location the IoU in [0, 1] that its box is expected to
        have with an object of whatever class; the distances, above 0, from the location to the box's left, top, right
        and bottom in units of ``STRIDE``; and the probabilities of the classes, given that it is an object.
    """
    frames = keras.Input((None, None, 1))
    features = _fuse(_trunk(frames))
    boxes, names = _convolve(features, FUSED), _convolve(features, FUSED)
    # To begin with, objectness is 0.01 everywhere (few locations show an object), and a side lies 27 pixels off.
    score = _predict(boxes, 1, "objectness", activation="sigmoid", bias=-4.6)
    sides = _predict(boxes, 4, "sides", activation="exponential", bias=1.2)
    named = _predict(names, classes, "class", activation="softmax", bias=0.0)
    return keras.Model(frames, layers.Concatenate(dtype="float32")([score, sides, named]), name="single_pass")


def _trunk(frames: KerasTensor) -> list[KerasTensor]:
    """Features at strides 8, 16 and 32."""
    features = layers.ReLU()(normalised(layers.Conv2D(STEM, 5, strides=2, padding="same", use_bias=False)(frames)))
    scales = []
    for widths in WIDTHS:
        for number, width in enumerate(widths):
            features = residual_block(features, width, stride=1 if number else 2)
        scales.append(features)
    return scales[1:]


def _fuse(scales: list[KerasTensor]) -> KerasTensor:
    """What each scale sees, brought to the finest one."""
    *finer, fused = (layers.Conv2D(FUSED, 1)(features) for features in scales)
    for lateral in reversed(finer):
        upsampled = layers.UpSampling2D(2)(_convolve(fused, FUSED))
        fused = layers.Add()([lateral, upsampled])
    return _convolve(fused, FUSED)


def _convolve(features: KerasTensor, width: int) -> KerasTensor:
    return layers.ReLU()(normalised(layers.Conv2D(width, 3, padding="same", use_bias=False)(features)))


def _predict(features: KerasTensor, width: int, name: str, activation: str, bias: float) -> KerasTensor:
    start = initializers.RandomNormal(stddev=0.01), initializers.Constant(bias)
    convolution = layers.Conv2D(
        width, 3, padding="same", kernel_initializer=start[0], bias_initializer=start[1], dtype="float32"
    )
    return layers.Activation(activation, dtype="float32", name=name)(convolution(features))
