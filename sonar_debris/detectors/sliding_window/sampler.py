"""Draw windows from labelled frames, with the targets that each network learns from."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.boxes import centre_and_extent, from_centre_and_extent, iou
from sonar_debris.classifiers.crop_classifier import CONTEXT as CLASSIFIER_CONTEXT
from sonar_debris.classifiers.crop_classifier import normalise_crop
from sonar_debris.datasets.augmentation import augment_window, cut_out
from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.sliding_window import networks as box_refiner
from sonar_debris.detectors.sliding_window import networks as objectness
from sonar_debris.detectors.sliding_window.proposals import WINDOW_SHAPES
from sonar_debris.windows import Window

# The farthest that an object is turned: a bearing shift across the fan of 30 degrees.
MAX_TURN = np.deg2rad(15)
# Objects lie on the floor at any angle, of which the labelled layouts show few; more would turn shadows round.
MAX_YAW = np.deg2rad(60)
# A window that overlaps no object by this much shows background.
BACKGROUND_IOU = 0.2
# A box refiner's proposal overlaps its object by at least this, or has no object.
MIN_PROPOSAL_IOU = 0.25


def iou_ramp(overlap: np.ndarray) -> np.ndarray:
    """The objectness target of a window: IoU ≤ 0.2 → 0, ≥ 0.8 → 1, linear between.

    Reference:
        Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
        Convolutional Neural Networks, 2016, section 3.
    """
    return np.clip((overlap - 0.2) / 0.6, 0, 1)


class WindowSampler:
    """Draws training windows: objects of rare classes more often than their number says, and background.

    Args:
        frames: where to draw from.
        augmented: whether windows are turned, mirrored and changed as a sonar would; off for validation.
        background_class: the class of crops that show no object, where frames have proposals.

    Raises:
        ValueError: no frame has a box.
    """

    def __init__(self, frames: Sequence[TrainingFrame], augmented: bool = True, background_class: int = -1):
        self.frames = frames
        self.background_class = background_class
        self.augmented = augmented
        self._boxes = [(frame, box) for frame in frames for box in range(len(frame.xyxy))]
        if not self._boxes:
            raise ValueError("frames must hold at least one box. Received none")
        classes = np.array([frame.class_id[box] for frame, box in self._boxes])
        # Between one box, one vote, and one class, one vote: rare classes count, but are not learnt by heart.
        weight = 1 / np.sqrt(np.bincount(classes)[classes])
        self._odds = np.cumsum(weight / weight.sum())
        self._proposed = [frame for frame in frames if len(frame.proposals)]
        self._mistaken = [
            (frame, xyxy)
            for frame in self._proposed
            for xyxy in frame.proposals[iou(frame.proposals, frame.xyxy).max(axis=1, initial=0) < BACKGROUND_IOU]
        ]

    def objectness(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """A window ``(96, 96, 1)`` and its objectness target in [0, 1]; 0 for four windows in ten."""
        crop, (target, _) = self.recognition(rng)
        return crop, float(target)

    def recognition(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A window as for objectness, and its target ``(2,)``: objectness, and the class shown, -1 for none."""
        if rng.random() < 0.6:
            frame, box = self._draw_box(rng)
            window, overlap = self._window_near(frame, box, rng)
        else:
            frame, window, overlap = self._background(rng)
        target = iou_ramp(overlap.max(initial=0))
        class_id = frame.class_id[overlap.argmax()] if target > 0 else -1
        return self._cut(frame, window, objectness.WINDOW, rng)[..., None], np.array([target, class_id], np.float32)

    def refinement(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A proposal ``(64, 64, 1)`` with its surroundings, and its target ``(5,)``.

        The target is the four offsets to the object's box, and 1; or all 0 if the proposal shows no object.
        Four in ten are proposals of an earlier stage, where the frames have any.
        """
        if self._proposed and rng.random() < 0.4:
            frame, window, overlap = self._proposal(rng)
        elif rng.random() < 0.25:
            frame, window, overlap = self._background(rng)
        else:
            frame, box = self._draw_box(rng)
            # Half are what the objectness network proposes, half what the refiner's first pass leaves.
            window, overlap = (self._window_near if rng.random() < 0.6 else self._window_on)(frame, box, rng)
        target = np.zeros(5, np.float32)
        if overlap.max(initial=0) >= MIN_PROPOSAL_IOU:
            target[:4] = _offsets(window.place(frame.xyxy)[overlap.argmax()], window.extent)
            target[4] = 1
        view = Window(window.centre, window.extent * box_refiner.CONTEXT, window.angle, window.mirror)
        return self._cut(frame, view, box_refiner.SIZE, rng)[..., None], target

    def classification(self, rng: np.random.Generator, size: int = 64) -> tuple[np.ndarray, int]:
        """A crop ``(size, size, 1)`` around an object, aspect kept and crop-wise normalised, and its class.

        One in four shows what an earlier stage mistook for an object, where the frames have any; its class
        is the number after the last, `background_class`.
        """
        if self._mistaken and rng.random() < 0.25:
            frame, xyxy = self._mistaken[rng.integers(len(self._mistaken))]
            window, class_id = self._window(xyxy, rng), self.background_class
        else:
            frame, box = self._draw_box(rng)
            window, class_id = self._window_on(frame, box, rng)[0], int(frame.class_id[box])
        square = np.full(2, window.extent.max() * CLASSIFIER_CONTEXT)
        turn = rng.uniform(-MAX_YAW, MAX_YAW) if self.augmented else 0.0
        crop = self._cut(frame, Window(window.centre, square, turn, window.mirror), size, rng)
        if self.augmented and rng.random() < 0.5:
            crop = cut_out(crop, rng)
        return normalise_crop(crop)[..., None], class_id

    def _proposal(self, rng: np.random.Generator) -> tuple[TrainingFrame, Window, np.ndarray]:
        """A window that an earlier stage proposed."""
        frame = self._proposed[rng.integers(len(self._proposed))]
        window = self._window(frame.proposals[rng.integers(len(frame.proposals))], rng)
        return frame, window, _overlap(window, frame.xyxy)

    def _window(self, xyxy: np.ndarray, rng: np.random.Generator) -> Window:
        """A window on a box ``(4,)``, in a random pose."""
        return Window(*(part[0] for part in centre_and_extent(xyxy[None])), *self._pose(rng))

    def _draw_box(self, rng: np.random.Generator) -> tuple[TrainingFrame, int]:
        return self._boxes[min(np.searchsorted(self._odds, rng.random()), len(self._boxes) - 1)]

    def _window_near(self, frame: TrainingFrame, box: int, rng: np.random.Generator) -> tuple[Window, np.ndarray]:
        """A window of the pyramid's shapes near a box, so that all overlaps that occur occur alike."""
        turn, mirror = self._pose(rng)
        centre, extent = (part[0] for part in centre_and_extent(frame.xyxy[box : box + 1]))
        extents = _random_extents(24, rng)
        centres = centre + rng.normal(0, 0.22, (24, 2)) * (extent + extents) / 2
        windows = [Window(c, e, turn, mirror) for c, e in zip(centres, extents, strict=True)]
        # The overlap is judged unturned, over all candidates at once; the chosen one is then measured in its pose.
        rough = iou(from_centre_and_extent(centres, extents), frame.xyxy[box : box + 1])[:, 0]
        window = windows[np.abs(rough - rng.uniform(0.15, 1) * rough.max()).argmin()]
        return window, _overlap(window, frame.xyxy)

    def _window_on(self, frame: TrainingFrame, box: int, rng: np.random.Generator) -> tuple[Window, np.ndarray]:
        """A window that fits a box as a refined proposal does: nearly."""
        turn, mirror = self._pose(rng)
        pose = Window(*(part[0] for part in centre_and_extent(frame.xyxy[box : box + 1])), turn, mirror)
        extent = centre_and_extent(pose.place(frame.xyxy[box : box + 1]))[1][0]
        spread = 0.07 if self.augmented else 0.0
        centre = pose.centre + rng.normal(0, spread, 2) * extent
        window = Window(centre, extent * np.exp(rng.normal(0, 2 * spread, 2)), turn, mirror)
        return window, _overlap(window, frame.xyxy)

    def _background(self, rng: np.random.Generator) -> tuple[TrainingFrame, Window, np.ndarray]:
        """A window on no labelled object; often the brightest of several, as those are the hard ones."""
        for _ in range(100):
            frame = self.frames[rng.integers(len(self.frames))]
            extents = _random_extents(rng.integers(1, 9), rng)
            centres = rng.uniform(0, 1, extents.shape) * frame.image.shape[::-1]
            boxes = from_centre_and_extent(centres, extents)
            order = np.argsort(-_brightness(frame, boxes))
            free = order[iou(boxes[order], frame.xyxy).max(axis=1, initial=0) < BACKGROUND_IOU]
            if len(free):
                break
        # Where objects fill every frame the last window has to do; its overlap tells that it shows one.
        chosen = free[0] if len(free) else order[0]
        window = Window(centres[chosen], extents[chosen], *self._pose(rng))
        return frame, window, _overlap(window, frame.xyxy)

    def _pose(self, rng: np.random.Generator) -> tuple[float, bool]:
        if not self.augmented:
            return 0.0, False
        # Small turns, as between neighbouring bearings, are the most likely.
        return float(rng.triangular(-MAX_TURN, 0, MAX_TURN)), bool(rng.random() < 0.5)

    def _cut(self, frame: TrainingFrame, window: Window, size: int, rng: np.random.Generator) -> np.ndarray:
        crop = window.cut(frame.image, size)
        return augment_window(crop, rng) if self.augmented else crop


def _random_extents(count: int, rng: np.random.Generator) -> np.ndarray:
    """Extents ``(count, 2)`` of windows of the pyramid's shapes, give or take a seventh."""
    shapes = np.array(WINDOW_SHAPES, float)[rng.integers(len(WINDOW_SHAPES), size=count)]
    return shapes * np.exp(rng.uniform(-0.15, 0.15, (count, 2)))


def _overlap(window: Window, xyxy: np.ndarray) -> np.ndarray:
    """IoU ``(N,)`` of a window with boxes, in the window's own pose."""
    return iou(np.concatenate([[0, 0], window.extent])[None], window.place(xyxy))[0]


def _offsets(box: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """What `apply_offsets` needs to turn the window ``[0, 0, *extent]`` into the box."""
    centre, size = (part[0] for part in centre_and_extent(box[None]))
    return np.concatenate([(centre - extent / 2) / extent, np.log(size / extent)])


def _brightness(frame: TrainingFrame, xyxy: np.ndarray) -> np.ndarray:
    """Mean echo above the frame's mean in each box, ``(N,)``, from the integral image."""
    rows, cols = frame.image.shape
    left, top, right, bottom = np.clip(np.round(xyxy), 0, [cols, rows, cols, rows]).astype(int).T
    total = frame.brightness
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return inside / np.maximum((right - left) * (bottom - top), 1)
