"""Draw training windows from labelled frames, with the targets of each network of the sliding-window detector."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.boxes import centre_and_extent, from_centre_and_extent, iou
from sonar_debris.classifiers.crop_classifier import CROP_CONTEXT, normalise_crop
from sonar_debris.datasets.augmentation import augment_window, cut_out
from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, REFINER_CONTEXT, REFINER_SIZE
from sonar_debris.detectors.sliding_window.proposals import WINDOW_SHAPES
from sonar_debris.windows import Window

# Largest rotation of a window: in a fan of 30 degrees bearings differ from its axis by up to 15 degrees.
MAX_ROTATION = np.deg2rad(15)
# Largest rotation of a crop. Objects lie on the sea floor at any angle, and the labelled scenes show few of them;
# larger rotations would point the shadows the wrong way.
MAX_YAW = np.deg2rad(60)
# A window whose IoU with every object is lower shows background.
BACKGROUND_IOU = 0.2
# A proposal whose IoU with every object is lower has no object.
MIN_PROPOSAL_IOU = 0.25
# Windows near a box from which `WindowSampler` chooses.
CANDIDATES = 24


def iou_ramp(overlap: np.ndarray) -> np.ndarray:
    """Return the objectness target of windows: 0 up to an IoU of 0.2, 1 from 0.8, linear in between.

    Reference:
        Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
        Convolutional Neural Networks, 2016, section 3.
    """
    return np.clip((overlap - 0.2) / 0.6, 0, 1)


class WindowSampler:
    """Draw windows around objects and on background. Boxes are drawn with the weight 1/√(boxes of their class).

    Args:
        frames: the frames to draw from.
        augmented: whether windows are rotated, mirrored and augmented with sonar effects; False for validation.
        background_class: class of crops that show no object; needed where frames have proposals.

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
        # A compromise: with equal weights of the boxes rare classes hardly count, with equal weights of the classes
        # their few boxes are memorised.
        weight = 1 / np.sqrt(np.bincount(classes)[classes])
        self._cumulative_weight = np.cumsum(weight / weight.sum())
        self._frames_with_proposals = [frame for frame in frames if len(frame.proposals)]
        self._false_proposals = [
            (frame, proposal)
            for frame in self._frames_with_proposals
            for proposal in frame.proposals[iou(frame.proposals, frame.xyxy).max(axis=1, initial=0) < BACKGROUND_IOU]
        ]

    def objectness(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Draw a window ``(96, 96, 1)`` and its objectness target in [0, 1]; 4 of 10 windows show background."""
        crop, target = self.recognition(rng)
        return crop, float(target[0])

    def recognition(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a window as for objectness, and its target ``(2,)``: objectness and class, or -1 without an object."""
        if rng.random() < 0.6:
            frame, box = self._draw_box(rng)
            window, overlap = self._draw_window_near(frame, box, rng)
        else:
            frame, window, overlap = self._draw_background(rng)
        target = iou_ramp(overlap.max(initial=0))
        class_id = frame.class_id[overlap.argmax()] if target > 0 else -1
        crop = self._extract(frame, window, OBJECTNESS_WINDOW, rng)
        return crop[..., None], np.array([target, class_id], np.float32)

    def refinement(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a proposal ``(64, 64, 1)`` with its surroundings, and its target ``(5,)``.

        If the frames have proposals of an earlier stage, 4 of 10 draws are of those.

        Returns:
            The crop; and the four offsets to the object's box and 1, or five zeros if the proposal has no object.
        """
        if self._frames_with_proposals and rng.random() < 0.4:
            frame, window, overlap = self._draw_proposal(rng)
        elif rng.random() < 0.25:
            frame, window, overlap = self._draw_background(rng)
        else:
            frame, box = self._draw_box(rng)
            # The objectness network proposes windows near an object; the refiner's second pass gets boxes that nearly
            # fit.
            draw_window = self._draw_window_near if rng.random() < 0.6 else self._draw_window_on
            window, overlap = draw_window(frame, box, rng)
        target = np.zeros(5, np.float32)
        if overlap.max(initial=0) >= MIN_PROPOSAL_IOU:
            target[:4] = _offsets(window.to_window(frame.xyxy)[overlap.argmax()], window.extent)
            target[4] = 1
        view = Window(window.centre, window.extent * REFINER_CONTEXT, window.angle, window.mirror)
        return self._extract(frame, view, REFINER_SIZE, rng)[..., None], target

    def classification(self, rng: np.random.Generator, size: int = 64) -> tuple[np.ndarray, int]:
        """Draw a normalised crop around an object, and its class.

        If the frames have proposals of an earlier stage, 1 of 4 crops is a proposal without an object.

        Args:
            rng: random generator.
            size: side of the crop in pixels.

        Returns:
            The crop ``(size, size, 1)`` with its aspect ratio kept, and its class; `background_class` if there is no
            object.
        """
        if self._false_proposals and rng.random() < 0.25:
            frame, proposal = self._false_proposals[rng.integers(len(self._false_proposals))]
            window, class_id = self._pose_window(proposal, rng), self.background_class
        else:
            frame, box = self._draw_box(rng)
            window, _ = self._draw_window_on(frame, box, rng)
            class_id = int(frame.class_id[box])
        square = np.full(2, window.extent.max() * CROP_CONTEXT)
        yaw = rng.uniform(-MAX_YAW, MAX_YAW) if self.augmented else 0.0
        crop = self._extract(frame, Window(window.centre, square, yaw, window.mirror), size, rng)
        if self.augmented and rng.random() < 0.5:
            crop = cut_out(crop, rng)
        return normalise_crop(crop)[..., None], class_id

    def _draw_box(self, rng: np.random.Generator) -> tuple[TrainingFrame, int]:
        index = int(np.searchsorted(self._cumulative_weight, rng.random()))
        # Rounding may leave the last cumulative weight below 1.
        return self._boxes[min(index, len(self._boxes) - 1)]

    def _draw_proposal(self, rng: np.random.Generator) -> tuple[TrainingFrame, Window, np.ndarray]:
        """Return a frame, a window on a proposal of an earlier stage, and its IoU with the frame's boxes."""
        frame = self._frames_with_proposals[rng.integers(len(self._frames_with_proposals))]
        window = self._pose_window(frame.proposals[rng.integers(len(frame.proposals))], rng)
        return frame, window, _window_iou(window, frame.xyxy)

    def _draw_window_near(self, frame: TrainingFrame, box: int, rng: np.random.Generator) -> tuple[Window, np.ndarray]:
        """Return a window of the pyramid's shapes near a box, so that all reachable IoUs are equally frequent."""
        angle, mirror = self._draw_pose(rng)
        xyxy = frame.xyxy[box : box + 1]
        (centre,), (extent,) = centre_and_extent(xyxy)
        extents = _random_extents(CANDIDATES, rng)
        centres = centre + rng.normal(0, 0.22, (CANDIDATES, 2)) * (extent + extents) / 2
        # The candidates' IoU is computed at once, without rotation; the IoU of the chosen one in its pose.
        candidate_iou = iou(from_centre_and_extent(centres, extents), xyxy)[:, 0]
        chosen = np.abs(candidate_iou - rng.uniform(0.15, 1) * candidate_iou.max()).argmin()
        window = Window(centres[chosen], extents[chosen], angle, mirror)
        return window, _window_iou(window, frame.xyxy)

    def _draw_window_on(self, frame: TrainingFrame, box: int, rng: np.random.Generator) -> tuple[Window, np.ndarray]:
        """Return a window that nearly fits a box, as a refined proposal does."""
        angle, mirror = self._draw_pose(rng)
        xyxy = frame.xyxy[box : box + 1]
        (box_centre,), (box_extent,) = centre_and_extent(xyxy)
        _, (extent,) = centre_and_extent(Window(box_centre, box_extent, angle, mirror).to_window(xyxy))
        spread = 0.07 if self.augmented else 0.0
        centre = box_centre + rng.normal(0, spread, 2) * extent
        window = Window(centre, extent * np.exp(rng.normal(0, 2 * spread, 2)), angle, mirror)
        return window, _window_iou(window, frame.xyxy)

    def _draw_background(self, rng: np.random.Generator) -> tuple[TrainingFrame, Window, np.ndarray]:
        """Return a frame and a window on no labelled object: the brightest of up to eight, as a hard example."""
        for _ in range(100):
            frame = self.frames[int(rng.integers(len(self.frames)))]
            extents = _random_extents(int(rng.integers(1, 9)), rng)
            centres = rng.uniform(0, 1, extents.shape) * frame.image.shape[::-1]
            boxes = from_centre_and_extent(centres, extents)
            order = np.argsort(-_mean_brightness(frame, boxes))
            free = order[iou(boxes[order], frame.xyxy).max(axis=1, initial=0) < BACKGROUND_IOU]
            if len(free):
                break
        # If objects fill every frame, the window shows one; its IoU, and so the target, is correct all the same.
        chosen = free[0] if len(free) else order[0]
        angle, mirror = self._draw_pose(rng)
        window = Window(centres[chosen], extents[chosen], angle, mirror)
        return frame, window, _window_iou(window, frame.xyxy)

    def _pose_window(self, xyxy: np.ndarray, rng: np.random.Generator) -> Window:
        """Return a window on a box ``(4,)``, in a random pose."""
        (centre,), (extent,) = centre_and_extent(xyxy[None])
        angle, mirror = self._draw_pose(rng)
        return Window(centre, extent, angle, mirror)

    def _draw_pose(self, rng: np.random.Generator) -> tuple[float, bool]:
        if not self.augmented:
            return 0.0, False
        # Small rotations, as between neighbouring bearings, are the most likely.
        return float(rng.triangular(-MAX_ROTATION, 0, MAX_ROTATION)), bool(rng.random() < 0.5)

    def _extract(self, frame: TrainingFrame, window: Window, size: int, rng: np.random.Generator) -> np.ndarray:
        crop = window.extract(frame.image, size)
        return augment_window(crop, rng) if self.augmented else crop


def _random_extents(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return extents ``(count, 2)`` of the pyramid's window shapes, scaled by up to 15 % either way."""
    shapes = np.array(WINDOW_SHAPES, float)[rng.integers(len(WINDOW_SHAPES), size=count)]
    return shapes * np.exp(rng.uniform(-0.15, 0.15, (count, 2)))


def _window_iou(window: Window, xyxy: np.ndarray) -> np.ndarray:
    """Return the IoU ``(N,)`` of a window with boxes, in the window's pose."""
    overlap = iou(np.concatenate([[0, 0], window.extent])[None], window.to_window(xyxy))
    return np.asarray(overlap[0])


def _offsets(box: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the offsets with which `apply_offsets` turns the window ``[0, 0, *extent]`` into the box."""
    (box_centre,), (box_extent,) = centre_and_extent(box[None])
    return np.concatenate([(box_centre - extent / 2) / extent, np.log(box_extent / extent)])


def _mean_brightness(frame: TrainingFrame, xyxy: np.ndarray) -> np.ndarray:
    """Return the mean echo above the frame's mean in each box, ``(N,)``, from the integral image."""
    rows, cols = frame.image.shape
    left, top, right, bottom = np.clip(np.round(xyxy), 0, [cols, rows, cols, rows]).astype(int).T
    integral = frame.brightness
    total = integral[bottom, right] - integral[top, right] - integral[bottom, left] + integral[top, left]
    return np.asarray(total / np.maximum((right - left) * (bottom - top), 1))
