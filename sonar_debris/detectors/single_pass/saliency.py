"""Explain a detection: which part of the frame raises its score, by occlusion and by gradients.

A network that learnt an object and not its background loses the score when the object is covered, and keeps it when
the background is.

References:
    Zeiler and Fergus, Visualizing and understanding convolutional networks, 2014, arXiv:1311.2901 (occlusion).
    Simonyan et al., Deep inside convolutional networks, 2014, arXiv:1312.6034 (gradients).
    Smilkov et al., SmoothGrad: removing noise by adding noise, 2017, arXiv:1706.03825.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.detectors.single_pass.detector import SinglePassDetector, pad
from sonar_debris.detectors.single_pass.network import STRIDE, split_outputs
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import preprocess

# Side of the covered square as a share of the square root of the box's area, but at least this many pixels; it moves by
# half its side.
PATCH_SHARE, MIN_PATCH = 0.4, 8
# The window reaches beyond the box by this share of its longer side.
MARGIN = 0.5
# A box of the network that overlaps the detection by this IoU shows the same object.
SAME_OBJECT = 0.5
BATCH_SIZE = 8
# SmoothGrad: number of noisy copies, and the noise in standard deviations of the echoes.
NOISY_COPIES, NOISE = 8, 0.5
GRADIENT_BLUR = 2.0  # in pixels


@dataclass(frozen=True)
class Saliency:
    """Where a frame supports a detection.

    Attributes:
        window: ``(4,)`` int, left, top, right and bottom in pixels of the frame that the maps cover.
        occlusion: ``(rows, cols)`` float32, mean fall of the score when a pixel is covered; negative where it rises.
        gradient: ``(rows, cols)`` float32, 0 or more: how much the score changes with a pixel's echo.
        box_share: area of the box as a share of the window, in (0, 1].
    """

    window: np.ndarray
    occlusion: np.ndarray
    gradient: np.ndarray
    box_share: float

    def share_in_box(self, saliency: np.ndarray, xyxy: np.ndarray) -> float:
        """Return the share of the positive part of a map that lies in the box.

        Args:
            saliency: one of the maps.
            xyxy: ``(4,)`` the box in pixels of the frame.

        Returns:
            A number in [0, 1]; NaN if nothing in the map is positive.
        """
        left, top, right, bottom = np.rint(xyxy - np.tile(self.window[:2], 2)).astype(int)
        positive = saliency.clip(min=0)
        total = float(positive.sum())
        return float(positive[max(top, 0) : bottom, max(left, 0) : right].sum()) / total if total else float("nan")


def explain_detection(
    detector: SinglePassDetector,
    frame: Frame,
    xyxy: np.ndarray,
    class_id: int,
    progress: Callable[[int, int], None] | None = None,
) -> Saliency:
    """Compute where a frame supports a detection.

    Args:
        detector: the detector.
        frame: the frame.
        xyxy: ``(4,)`` the detection's box in pixels of the frame.
        class_id: its class; the number of classes for an unknown object, which is explained by its objectness.
        progress: called with the number of covered frames done and of all of them.

    Returns:
        The saliency in a window around the box.

    Raises:
        SonarDebrisError: Keras runs on another backend than TensorFlow, or the network no longer finds the object.
    """
    if keras.backend.backend() != "tensorflow":
        raise SonarDebrisError("explanations need the TensorFlow backend; unset KERAS_BACKEND")
    image, factors = preprocess(frame)
    target = _Target(xyxy * factors, class_id)
    left, top, right, bottom = window = _window(xyxy * factors, image.shape)
    padded = pad(image)
    occlusion = _occlusion(detector.network, padded, image != 0, window, target, progress)
    gradient = _smooth_gradient(detector.network, padded, target)[: image.shape[0], : image.shape[1]]
    # Maps of a reduced frame are enlarged to the frame as stored.
    in_frame = np.rint(window / factors).astype(int)
    size = int(in_frame[2] - in_frame[0]), int(in_frame[3] - in_frame[1])
    maps = [cv2.resize(part, size) for part in (occlusion, np.ascontiguousarray(gradient[top:bottom, left:right]))]
    area = float(np.prod(xyxy[2:] - xyxy[:2]))
    return Saliency(in_frame, maps[0], maps[1], min(1.0, area / (size[0] * size[1])))


@dataclass(frozen=True)
class _Target:
    """The detection to explain: its box in pixels of the network's input, and its class."""

    xyxy: np.ndarray
    class_id: int

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """Return the score ``(B,)`` of the best box that shows the object, in each of several outputs; 0 if none."""
        scores, overlaps = self._scores_and_overlaps(outputs)
        best: np.ndarray = np.where(overlaps >= SAME_OBJECT, scores, 0).max(axis=1)
        return best

    def best_location(self, output: np.ndarray) -> int:
        """Return the index, row by row, of the location whose box shows the object best."""
        scores, overlaps = self._scores_and_overlaps(output[None])
        if not (overlaps >= SAME_OBJECT).any():
            raise SonarDebrisError("the network does not find the object again; explain another one")
        return int(np.where(overlaps >= SAME_OBJECT, scores, -1).argmax())

    def _scores_and_overlaps(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the score and the IoU with the box ``(B, locations)``."""
        count, rows, cols, channels = outputs.shape
        parts = split_outputs(outputs.reshape(count, rows * cols, channels))
        y, x = np.divmod(np.arange(rows * cols), cols)
        locations = np.column_stack([x, y]).astype(np.float32) + np.float32(0.5)
        boxes = STRIDE * np.concatenate(parts.boxes(locations), axis=-1)
        overlaps = iou(boxes.reshape(-1, 4), self.xyxy[None].astype(np.float32)).reshape(count, -1)
        known = self.class_id < parts.class_probabilities.shape[-1]
        probability = parts.class_probabilities[..., self.class_id] if known else 1.0
        return parts.objectness * probability, overlaps


def _window(xyxy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the box with a margin, clipped to the image: left, top, right and bottom, int."""
    margin = MARGIN * (xyxy[2:] - xyxy[:2]).max()
    low = np.clip(np.floor(xyxy[:2] - margin), 0, None)
    high = np.minimum(np.ceil(xyxy[2:] + margin), shape[::-1])
    return np.concatenate([low, high]).astype(int)


def _occlusion(
    network: keras.Model,
    padded: np.ndarray,
    fan: np.ndarray,
    window: np.ndarray,
    target: _Target,
    progress: Callable[[int, int], None] | None,
) -> np.ndarray:
    """Return the mean fall of the score when a pixel of the window is covered with the mean of the echoes."""
    side = max(MIN_PATCH, int(PATCH_SHARE * np.sqrt(np.prod(target.xyxy[2:] - target.xyxy[:2]))))
    left, top, right, bottom = window
    corners = [(y, x) for y in range(top, bottom, side // 2) for x in range(left, right, side // 2)]
    (whole,) = target.scores(network.predict_on_batch(padded[None, ..., None]))
    fall, count = np.zeros(padded.shape, np.float32), np.zeros(padded.shape, np.float32)
    for start in range(0, len(corners), BATCH_SIZE):
        part = corners[start : start + BATCH_SIZE]
        covered = np.repeat(padded[None], BATCH_SIZE, axis=0)  # batches of one size: the network is compiled once
        for image, (y, x) in zip(covered, part, strict=False):
            image[y : y + side, x : x + side] = 0  # the mean of the echoes, and the value outside the fan
        for score, (y, x) in zip(target.scores(network.predict_on_batch(covered[..., None])), part, strict=False):
            fall[y : y + side, x : x + side] += whole - score
            count[y : y + side, x : x + side] += 1
        if progress:
            progress(min(start + BATCH_SIZE, len(corners)), len(corners))
    mean = fall[: fan.shape[0], : fan.shape[1]] / count[: fan.shape[0], : fan.shape[1]].clip(min=1)
    return np.ascontiguousarray(np.where(fan, mean, 0)[top:bottom, left:right], np.float32)


def _smooth_gradient(network: keras.Model, padded: np.ndarray, target: _Target) -> np.ndarray:
    """Return the mean size of the score's gradient over noisy copies of the frame, blurred."""
    import tensorflow as tf

    location = target.best_location(network.predict_on_batch(padded[None, ..., None])[0])
    rng = np.random.default_rng(0)
    echoes = (padded != 0).astype(np.float32)
    total = np.zeros(padded.shape, np.float32)
    for _ in range(NOISY_COPIES):
        noisy = padded + NOISE * rng.standard_normal(padded.shape, np.float32) * echoes
        frames = tf.convert_to_tensor(noisy[None, ..., None])
        with tf.GradientTape() as tape:
            tape.watch(frames)
            output = network(frames, training=False)
            parts = split_outputs(tf.reshape(output, (-1, output.shape[-1]))[location])
            known = target.class_id < parts.class_probabilities.shape[-1]
            score = parts.objectness * (parts.class_probabilities[target.class_id] if known else 1.0)
        total += np.abs(tape.gradient(score, frames).numpy()[0, ..., 0])
    smooth: np.ndarray = cv2.GaussianBlur(total / NOISY_COPIES, (0, 0), GRADIENT_BLUR) * echoes
    return smooth
