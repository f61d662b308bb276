"""Find the labelled objects that a single-pass network takes for the most similar to a detection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.single_pass.detector import SinglePassDetector, pad
from sonar_debris.detectors.single_pass.network import STRIDE
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import preprocess

# Largest number of labelled frames that are searched, evenly spaced: each takes as long as a detection.
MAX_SEARCHED = 300


@dataclass(frozen=True)
class NearestCrop:
    """A labelled object that resembles a detection.

    Attributes:
        image: ``(rows, cols)`` float32, the object's part of its frame.
        class_name: its labelled class.
        similarity: cosine of the angle between the features of both, in [-1, 1].
        name: name of its frame.
    """

    image: np.ndarray
    class_name: str
    similarity: float
    name: str


def find_nearest_crops(
    detector: SinglePassDetector,
    frame: Frame,
    xyxy: np.ndarray,
    labelled: Sequence[LabelledFrame],
    class_names: Sequence[str],
    count: int = 6,
    progress: Callable[[int, int], None] | None = None,
) -> list[NearestCrop]:
    """Find the labelled objects whose features in the network are most like those of a detection.

    The features are those from which the network computes the class, averaged over the box.

    Args:
        detector: the detector.
        frame: the frame of the detection.
        xyxy: ``(4,)`` its box in pixels.
        labelled: the frames to search, of which at most `MAX_SEARCHED` are read, evenly spaced.
        class_names: the names that their ``class_id`` indexes.
        count: number of objects to return; only the best one of each frame is considered.
        progress: called with the number of frames searched and of all that are searched.

    Returns:
        The objects, the most similar first.

    Raises:
        SonarDebrisError: a frame cannot be read.
    """
    features = _class_features(detector.network)
    query = _box_features(features, frame, xyxy[None])[0]
    searched = labelled[:: max(1, -(-len(labelled) // MAX_SEARCHED))]
    nearest = []
    for number, item in enumerate(searched, start=1):
        if len(item.xyxy):
            nearest.append(_best_of_frame(features, query, item, class_names))
        if progress:
            progress(number, len(searched))
    return sorted(nearest, key=lambda crop: -crop.similarity)[:count]


def _best_of_frame(
    features: keras.Model, query: np.ndarray, item: LabelledFrame, class_names: Sequence[str]
) -> NearestCrop:
    image = item.load()
    similarity = _box_features(features, image, item.xyxy) @ query
    best = int(similarity.argmax())
    left, top, right, bottom = np.rint(item.xyxy[best]).astype(int)
    crop = image.image[max(top, 0) : bottom, max(left, 0) : right]
    return NearestCrop(crop, class_names[int(item.class_id[best])], float(similarity[best]), item.name)


def _class_features(network: keras.Model) -> keras.Model:
    """Return a model of the features before the convolution that computes the classes."""
    convolution = network.get_layer("class").input._keras_history.operation
    return keras.Model(network.input, convolution.input)


def _box_features(features: keras.Model, frame: Frame, xyxy: np.ndarray) -> np.ndarray:
    """Return the mean features ``(N, channels)`` of boxes, as unit vectors."""
    image, factors = preprocess(frame)
    (values,) = features.predict_on_batch(pad(image)[None, ..., None])
    boxes = xyxy * factors / STRIDE
    low = np.clip(np.floor(boxes[:, :2]), 0, np.array(values.shape[1::-1]) - 1).astype(int)
    high = np.maximum(np.ceil(boxes[:, 2:]).astype(int), low + 1)
    means = np.stack([values[y0:y1, x0:x1].mean(axis=(0, 1)) for (x0, y0), (x1, y1) in zip(low, high, strict=True)])
    unit: np.ndarray = means / np.linalg.norm(means, axis=1, keepdims=True).clip(min=1e-9)
    return unit
