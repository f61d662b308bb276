"""The single-pass network: objectness, box and class probabilities at every location of a frame, in one pass.

References:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385 (trunk).
    Lin et al., Feature Pyramid Networks for Object Detection, 2017, arXiv:1612.03144 (fused features).
    Tian et al., FCOS, 2019, arXiv:1904.01355 (a box as the distances of a location to its four sides).
    Zhang et al., VarifocalNet, 2021, arXiv:2008.13367 (objectness that predicts the IoU of its box).
"""

from typing import NamedTuple

import keras
from keras import KerasTensor, initializers, layers

from sonar_debris.networks import batch_norm, residual_block

# Pixels between neighbouring locations.
STRIDE = 8
# Both sides of a frame must be multiples of this: the stride of the coarsest features.
MULTIPLE = 32
# Channels of the first convolution, and of the residual blocks at strides 4, 8, 16 and 32.
STEM_WIDTH = 16
TRUNK_WIDTHS = ((24,), (48, 48, 48), (96, 96, 96), (160, 160))
# Channels of the fused features and of the two towers.
FUSED_WIDTH = 64
# The initial objectness is 0.01 everywhere, as few locations show an object: a sigmoid of -4.6.
INITIAL_OBJECTNESS_LOGIT = -4.6
# The initial distance of a location to each side of its box is 27 pixels: 8 · exp(1.2).
INITIAL_LOG_SIDE = 1.2


class SinglePassOutputs(NamedTuple):
    """The parts of the network's output, tensors or arrays whose leading axes are those of the output.

    Attributes:
        objectness: ``(...)`` IoU, in [0, 1], that the location's box is expected to have with an object of any class.
        sides: ``(..., 4)`` distances, above 0, from the location to the left, top, right and bottom side of its box, in
            units of `STRIDE`.
        class_probabilities: ``(..., classes)`` probabilities of the classes, given that the location shows an object.
    """

    objectness: KerasTensor
    sides: KerasTensor
    class_probabilities: KerasTensor

    def boxes(self, locations: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Return the left-top and the right-bottom corners of the boxes.

        Args:
            locations: ``(..., 2)`` centres of the locations, x before y, in units of `STRIDE`.

        Returns:
            Two tensors or arrays ``(..., 2)`` in units of `STRIDE`.
        """
        return locations - self.sides[..., :2], locations + self.sides[..., 2:]


def split_outputs(output: KerasTensor) -> SinglePassOutputs:
    """Split the network's output into its parts. Nothing else in the package depends on the order of the channels.

    Args:
        output: ``(..., 5 + classes)`` tensor or NumPy array.

    Returns:
        Objectness, sides and class probabilities.

    Example:
        >>> import numpy as np
        >>> split_outputs(np.zeros((2, 6, 8, 16))).class_probabilities.shape
        (2, 6, 8, 11)
    """
    return SinglePassOutputs(output[..., 0], output[..., 1:5], output[..., 5:])


def build_single_pass(classes: int) -> keras.Model:
    """Build the network: a residual trunk to stride 32, fused upwards to stride 8, and towers for boxes and classes.

    Args:
        classes: number of classes.

    Returns:
        A model from normalised frames ``(batch, rows, cols, 1)``, both sides multiples of `MULTIPLE`, to
        ``(batch, rows / 8, cols / 8, 5 + classes)`` float32, which `split_outputs` splits.
    """
    frames = keras.Input((None, None, 1))
    features = _fuse(_trunk(frames))
    box_tower, class_tower = _convolve(features, FUSED_WIDTH), _convolve(features, FUSED_WIDTH)
    objectness = _predict(box_tower, 1, "objectness", activation="sigmoid", bias=INITIAL_OBJECTNESS_LOGIT)
    sides = _predict(box_tower, 4, "sides", activation="exponential", bias=INITIAL_LOG_SIDE)
    class_probabilities = _predict(class_tower, classes, "class", activation="softmax", bias=0.0)
    outputs = layers.Concatenate(dtype="float32")([objectness, sides, class_probabilities])
    return keras.Model(frames, outputs, name="single_pass")


def _trunk(frames: KerasTensor) -> list[KerasTensor]:
    """Return features at strides 8, 16 and 32."""
    stem = layers.Conv2D(STEM_WIDTH, 5, strides=2, padding="same", use_bias=False)(frames)
    features = layers.ReLU()(batch_norm(stem))
    scales = []
    for widths in TRUNK_WIDTHS:
        for index, width in enumerate(widths):
            features = residual_block(features, width, stride=1 if index else 2)
        scales.append(features)
    return scales[1:]


def _fuse(scales: list[KerasTensor]) -> KerasTensor:
    """Add the features of all scales, finest first, at the resolution of the finest."""
    laterals = [layers.Conv2D(FUSED_WIDTH, 1)(features) for features in scales]
    fused = laterals[-1]
    for lateral in reversed(laterals[:-1]):
        upsampled = layers.UpSampling2D(2)(_convolve(fused, FUSED_WIDTH))
        fused = layers.Add()([lateral, upsampled])
    return _convolve(fused, FUSED_WIDTH)


def _convolve(features: KerasTensor, width: int) -> KerasTensor:
    return layers.ReLU()(batch_norm(layers.Conv2D(width, 3, padding="same", use_bias=False)(features)))


def _predict(features: KerasTensor, width: int, name: str, activation: str, bias: float) -> KerasTensor:
    convolution = layers.Conv2D(
        width,
        3,
        padding="same",
        kernel_initializer=initializers.RandomNormal(stddev=0.01),
        bias_initializer=initializers.Constant(bias),
        dtype="float32",
    )
    return layers.Activation(activation, dtype="float32", name=name)(convolution(features))
