"""The small residual trunk that the residual classifier and the box refiner share.

Reference:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385.
"""

from keras import KerasTensor, layers


def residual_trunk(crops: KerasTensor, widths: tuple[int, ...]) -> KerasTensor:
    """A strided 5×5 convolution, then one residual block a width, each after the first at half the resolution.

    Args:
        crops: ``(batch, size, size, 1)``.
        widths: channels of each block.

    Returns:
        Features ``(batch, size / 2^len(widths), size / 2^len(widths), widths[-1])``.
    """
    features = normalised(layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(crops))
    features = residual_block(layers.ReLU()(features), widths[0], stride=1)
    for width in widths[1:]:
        features = residual_block(features, width, stride=2)
    return features


def residual_block(features: KerasTensor, width: int, stride: int) -> KerasTensor:
    """Two 3×3 convolutions beside a shortcut; only with a stride over 1 may the width change."""
    inner = normalised(layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(features))
    inner = normalised(layers.Conv2D(width, 3, padding="same", use_bias=False)(layers.ReLU()(inner)))
    if stride != 1:
        features = layers.AveragePooling2D(stride, padding="same")(features)
        features = normalised(layers.Conv2D(width, 1, use_bias=False)(features))
    return layers.ReLU()(layers.Add()([features, inner]))


def normalised(features: KerasTensor) -> KerasTensor:
    """Batch-norm."""
    # The default momentum of 0.99 needs thousands of steps until the running statistics arrive.
    return layers.BatchNormalization(momentum=0.9)(features)
