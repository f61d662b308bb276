"""Methods to compare with: plain sliding windows, template matching as objectness, and the shared-feature network.

Reference:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import KerasTensor, layers, ops

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, STRIDE, build_objectness
from sonar_debris.detectors.sliding_window.proposals import WINDOW_SHAPES, pyramid_level, select_proposals, window_boxes
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.pixels import normalise
from sonar_debris.training import TrainingConfig, fit
from sonar_debris.windows import extract_windows

# Templates are matched at a quarter of a pyramid level's size: a pixel is the stride of dense objectness at step 1.
SIDE = OBJECTNESS_WINDOW // STRIDE
# The standard deviation of a normalised frame is 1. In windows that deviate less than this, the correlation is noise.
MIN_DEVIATION = 0.1


def sliding_windows(shape: tuple[int, int], count: int, rng: np.random.Generator, step: int = 3) -> np.ndarray:
    """Return windows of the image pyramid in random order, without looking at the frame.

    They are the windows that dense objectness scores, so the difference in recall is what the network has learned. All
    windows are equally likely, so most are small, and some lie outside the fan.

    Args:
        shape: (rows, cols) of the frame.
        count: largest number of windows.
        rng: determines the order.
        step: windows are ``4 · step`` pixels of their pyramid level apart, with the default an eighth of their side.

    Returns:
        ``(N, 4)`` float32 boxes in pixels; they may reach beyond the frame by a quarter of their side.
    """
    xyxy = np.concatenate([_level_windows(shape, window_shape, step) for window_shape in WINDOW_SHAPES])
    return xyxy[rng.permutation(len(xyxy))[:count]]


def _level_windows(shape: tuple[int, int], window_shape: tuple[int, int], step: int) -> np.ndarray:
    """Return all windows ``(N, 4)`` of a pyramid level."""
    rows, cols = pyramid_level(np.zeros(shape, np.float32), window_shape).shape
    map_shape = (rows - OBJECTNESS_WINDOW) // (STRIDE * step) + 1, (cols - OBJECTNESS_WINDOW) // (STRIDE * step) + 1
    return window_boxes(map_shape, window_shape, step).reshape(-1, 4)


class TemplateObjectness:
    """Propose windows that resemble a labelled object: objectness is the highest correlation with random objects.

    Args:
        frames: labelled frames; only those of the chosen objects are read.
        rng: chooses the objects; all are equally likely.
        count: largest number of objects.

    Attributes:
        templates: ``(T, 24, 24)`` float32; each object is stretched to a square.

    Raises:
        SonarDebrisError: no frame has a box.
    """

    def __init__(self, frames: Sequence[LabelledFrame], rng: np.random.Generator, count: int = 100):
        objects = [(frame, box) for frame in frames for box in frame.xyxy]
        if not objects:
            raise SonarDebrisError(f"nothing to match: no labelled box. Received: {len(frames)} frames")
        chosen = [objects[index] for index in rng.permutation(len(objects))[:count]]
        self.templates = np.concatenate([_extract_template(frame, box) for frame, box in chosen])

    def propose(self, image: np.ndarray, count: int) -> np.ndarray:
        """Propose boxes of the pyramid's window shapes.

        Args:
            image: ``(rows, cols)`` normalised frame.
            count: largest number of proposals.

        Returns:
            ``(N, 4)`` float32 boxes in pixels, highest objectness first; they may reach beyond the frame.
        """
        maps = [self._objectness(pyramid_level(image, window_shape)) for window_shape in WINDOW_SHAPES]
        return select_proposals(maps, 1, count)

    def _objectness(self, level: np.ndarray) -> np.ndarray:
        """Return the correlation in [-1, 1] of each window of a level ``(rows, cols)``; 0 for flat windows."""
        rows, cols = level.shape
        small = cv2.resize(level, (cols // STRIDE, rows // STRIDE), interpolation=cv2.INTER_AREA)
        correlations = [cv2.matchTemplate(small, template, cv2.TM_CCOEFF_NORMED) for template in self.templates]
        highest = np.max(correlations, axis=0)
        highest[_window_variance(small) < MIN_DEVIATION**2] = 0
        return highest


def _extract_template(frame: LabelledFrame, box: np.ndarray) -> np.ndarray:
    """Return the content ``(1, 24, 24)`` of a box ``(4,)``."""
    return extract_windows(normalise(frame.load().image), box[None], SIDE)[..., 0]


def _window_variance(image: np.ndarray) -> np.ndarray:
    """Return the variance ``(rows - 23, cols - 23)`` of each 24×24 window of an image ``(rows, cols)``."""
    mean = cv2.boxFilter(image, -1, (SIDE, SIDE), anchor=(0, 0))
    mean_of_squares = cv2.sqrBoxFilter(image, -1, (SIDE, SIDE), anchor=(0, 0))
    variance = mean_of_squares - mean**2
    return variance[: 1 - SIDE, : 1 - SIDE]


FEATURES = 96


def build_shared_detector(classes: int) -> keras.Model:
    """Build the objectness network with a second head, FC(96)-BN-FC(classes), on its convolutions.

    The second head has features of its own, with batch-norm: most units of objectness's FC(96) are silent, and on these
    features hardly any class is learned in the same number of steps.

    Args:
        classes: number of classes.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to ``(batch, 1 + classes)``: objectness in
        [0, 1], then class probabilities.
    """
    trunk = build_objectness()
    features = layers.Dense(FEATURES, use_bias=False, name="class_fc")(trunk.get_layer("flatten").output)
    # With Keras' default momentum of 0.99 the running statistics need thousands of steps to converge.
    features = layers.BatchNormalization(momentum=0.9, name="class_norm")(features)
    features = layers.ReLU(name="features")(features)
    class_layer = layers.Dense(classes, activation="softmax", dtype="float32", name="class")
    probabilities = class_layer(layers.Dropout(0.3)(features))
    outputs = layers.Concatenate(dtype="float32")([trunk.outputs[0], probabilities])
    return keras.Model(trunk.inputs, outputs, name="shared_detector")


def objectness_part(network: keras.Model) -> keras.Model:
    """Return an objectness network with the weights of the first head, as `make_dense` takes it."""
    part = build_objectness()
    for layer in part.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return part


def feature_part(network: keras.Model) -> keras.Model:
    """Return the model from windows to the features ``(batch, 96)`` of the second head."""
    return keras.Model(network.inputs, network.get_layer("features").output)


def train_shared_detector(
    train: WindowSampler, val: WindowSampler | None, classes: int, config: TrainingConfig, run: Path
) -> keras.Model:
    """Train the network of `build_shared_detector`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        classes: number of classes.
        config: length and learning rate.
        run: folder of ``shared.keras`` and its log.

    Returns:
        The trained network.
    """
    build = partial(build_shared_detector, classes)
    validation = val.recognition if val else None
    return fit(build, train.recognition, validation, shared_loss, config, run, name="shared")


def shared_loss(target: KerasTensor, predicted: KerasTensor) -> KerasTensor:
    """Return the cross-entropy of objectness plus, for windows that show an object, that of the class.

    Args:
        target: ``(batch, 2)``: the target of objectness in [0, 1] (`iou_ramp`), and the class, or -1 for background.
        predicted: ``(batch, 1 + classes)``: objectness in [0, 1], then class probabilities.

    Returns:
        ``(batch,)`` losses.
    """
    objectness, class_id = target[:, :1], ops.cast(target[:, 1], "int32")
    shows_object = ops.cast(class_id >= 0, predicted.dtype)
    objectness_loss = keras.losses.binary_crossentropy(objectness, predicted[:, :1])
    class_loss = keras.losses.sparse_categorical_crossentropy(ops.maximum(class_id, 0), predicted[:, 1:])
    return objectness_loss + shows_object * class_loss
