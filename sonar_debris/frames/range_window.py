"""The fan of plain images, from the sonar's settings that the user knows; what they leave open is measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sonar_debris.frames.fan_outline import (
    FanOutline,
    compute_iou,
    draw_inside,
    find_bright,
    measure_outline,
    thin,
)
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry

# A frame is measured on its own if its IoU with the fan is lower, by more than this, than that of all sampled frames.
IOU_SLACK = 0.04
# Largest bright area outside the fan, as a fraction of the fan's area, of a frame that is too dark to be measured.
MAX_OUTSIDE = 0.05
# A fan reaches the border if it ends less than this fraction of the frame's height away from it.
BORDER_TOLERANCE = 0.03
# Fractions of the fan's pixels in a row, and in a column, that are bright where the fan shows echoes: text fills less
# than a quarter of a row, and the sides of a fan may fade into black.
FILLED_ROW, FILLED_COLUMN = 0.25, 0.02
# Number of different outlines of one recording that are kept.
MAX_GROUPS = 8


@dataclass(frozen=True)
class RangeWindow:
    """The settings of the sonar that the user knows, for frames without geometry. Ranges are slant ranges.

    Args:
        max_range: range of the farthest echoes, in metres.
        min_range: range of the nearest echoes, in metres; used only with ``field_of_view``.
        field_of_view: angle between the sides of the fan in degrees, or None. If it is given, the fan fills the frame
            from its first row to its last, with its axis in the middle. Otherwise it is measured on the black around
            it.
        apex: x and y of the sonar in pixels of the frame, or None. With ``field_of_view``, the farthest echoes reach
            the first row, and the last row may show less than ``min_range``; without, the sides are measured from this
            point.
        crop: left, top, right and bottom, in pixels, of the part of the frame that shows the fan; None for all of it.
            Margins and text outside of it are ignored.
    """

    max_range: float
    min_range: float = 0.0
    field_of_view: float | None = None
    apex: tuple[float, float] | None = None
    crop: tuple[int, int, int, int] | None = None

    def to_settings(self) -> dict[str, Any]:
        """Return the settings with values that JSON can hold; apex and crop only if they are given."""
        settings: dict[str, Any] = {
            "max_range": self.max_range,
            "min_range": self.min_range,
            "field_of_view": self.field_of_view,
        }
        if self.apex is not None:
            settings["apex"] = list(self.apex)
        if self.crop is not None:
            settings["crop"] = list(self.crop)
        return settings

    def add_to(self, frame: Frame) -> Frame:
        """Return a frame with its fan; a frame that has a geometry already is returned as it is.

        Raises:
            ValueError: the settings are not those of a fan, or the outline cannot be measured.
        """
        if frame.geometry:
            return frame
        fan, _ = RecordingFan(self).find_fan(frame.image)
        return replace(frame, geometry=fan)

    def compute_fan(self, shape: tuple[int, ...]) -> FanGeometry | None:
        """Return the fan of a frame if the settings describe it, or None if it has to be measured.

        Args:
            shape: rows and columns of the frame.

        Returns:
            The fan, if the field of view is given.

        Raises:
            ValueError: the settings are not those of a fan in such a frame.
        """
        rows, cols = shape
        left, top, right, bottom = self.crop or (0, 0, cols, rows)
        if not (0 <= left < right <= cols and 0 <= top < bottom <= rows):
            raise ValueError(f"the crop {self.crop} does not lie in the frame of {cols} x {rows} pixels")
        if self.apex is not None and self.apex[1] <= top:
            raise ValueError(f"the apex {self.apex} must lie below row {top}, which shows the farthest echoes")
        if self.field_of_view is None:
            return None
        fan = FanGeometry.of_window(bottom - top, self.min_range, self.max_range, self.field_of_view)
        if self.apex is None:
            return replace(fan, apex=((left + right) / 2, top + fan.apex[1]))
        return replace(fan, apex=self.apex, metres_per_pixel=self.max_range / (self.apex[1] - top))


@dataclass
class _Sample:
    """Sampled frames of the same size whose outlines agree.

    Attributes:
        outline: the outline of the first one; None for frames that cannot be measured one by one.
        masks: the bright pixels of each frame, packed to bits.
    """

    outline: FanOutline | None
    masks: list[np.ndarray] = field(default_factory=list)

    def matches(self, outline: FanOutline | None) -> bool:
        if self.outline is None or outline is None:
            return self.outline is outline
        return self.outline.agrees_with(outline)

    def unpack(self, shape: tuple[int, ...]) -> Iterable[np.ndarray]:
        for packed in self.masks:
            yield np.unpackbits(packed, count=shape[0] * shape[1]).reshape(shape).astype(bool)

    def pool(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the pixels that are bright in several frames; one frame alone may have noise outside the fan."""
        counts = np.zeros(shape, np.uint8)
        for mask in self.unpack(shape):
            counts += mask
        return counts >= 1 + len(self.masks) // 8


class _Group:
    """Frames of the same size that have the same fan.

    Args:
        outline: the outline of the fan.
        shape: rows and columns of the frames.
        masks: bright pixels of some of the frames.

    Attributes:
        outline: the outline of the fan.
        inside: the pixels inside the fan, thinned out.
        min_iou: lowest IoU with ``inside`` of a frame that belongs to the group without being measured.
    """

    def __init__(self, outline: FanOutline, shape: tuple[int, ...], masks: Iterable[np.ndarray]):
        self.outline = outline
        self.inside = draw_inside(outline.to_fan(1.0), shape)
        self.min_iou = min(compute_iou(thin(mask), self.inside) for mask in masks) - IOU_SLACK


class RecordingFan:
    """The fan of the frames of one recording, or of the images in one folder, which is measured once.

    Speckle and dark echoes make the outlines of single frames differ, although the fan does not move. The outline is
    therefore measured on the pixels that are bright in several of the sampled frames. A frame that does not fit it is
    measured on its own.

    Args:
        window: the sonar's settings.
        images: some frames of the recording, ``(rows, cols)`` each. Without them, the first frame is measured.

    Attributes:
        problem: why the settings do not seem to describe the sampled frames, or None.
    """

    def __init__(self, window: RangeWindow, images: Iterable[np.ndarray] = ()):
        self.window = window
        self.problem: str | None = None
        self._groups: dict[tuple[int, ...], list[_Group]] = {}
        for shape, samples in self._collect_samples(images).items():
            fan = window.compute_fan(shape)
            if fan:
                self.problem = self.problem or _describe_misfit(samples[0].pool(shape), fan)
            else:
                self._groups[shape] = self._measure_samples(shape, samples)

    def find_fan(self, image: np.ndarray) -> tuple[FanGeometry, bool]:
        """Return the fan of a frame.

        Args:
            image: ``(rows, cols)``.

        Returns:
            The fan, and whether its outline differs from that of most frames.

        Raises:
            ValueError: the settings are not those of a fan, or the outline cannot be measured.
        """
        fan = self.window.compute_fan(image.shape)
        if fan:
            return fan, False
        outline, is_usual = self._find_outline(find_bright(image, self.window.crop))
        return outline.to_fan(self.window.max_range), not is_usual

    def _find_outline(self, mask: np.ndarray) -> tuple[FanOutline, bool]:
        """Return the outline of a frame, and whether it is that of most frames."""
        groups = self._groups.setdefault(mask.shape, [])
        thinned = thin(mask)
        ious = [compute_iou(thinned, group.inside) for group in groups]
        best = groups[int(np.argmax(ious))] if groups else None
        if best and max(ious) >= best.min_iou:
            return best.outline, best is groups[0]
        try:
            outline = measure_outline(mask, self.window.apex)
        except ValueError:
            if best is None or np.count_nonzero(thinned & ~best.inside) > MAX_OUTSIDE * np.count_nonzero(best.inside):
                raise
            return best.outline, best is groups[0]  # a dark frame, which shows a part of the fan
        for group in groups:
            if group.outline.agrees_with(outline):
                return group.outline, group is groups[0]
        if len(groups) < MAX_GROUPS:
            groups.append(_Group(outline, mask.shape, [mask]))
        return outline, len(groups) == 1

    def _collect_samples(self, images: Iterable[np.ndarray]) -> dict[tuple[int, ...], list[_Sample]]:
        """Return the sampled frames by size and outline; they are not measured if the settings describe the fan."""
        samples_of: dict[tuple[int, ...], list[_Sample]] = {}
        for image in images:
            try:
                is_known = self.window.compute_fan(image.shape) is not None
            except ValueError:
                continue  # reported with the frame
            mask = find_bright(image, self.window.crop)
            try:
                outline = None if is_known else measure_outline(mask, self.window.apex)
            except ValueError:
                outline = None
            samples = samples_of.setdefault(image.shape, [])
            sample = next((sample for sample in samples if sample.matches(outline)), None)
            if sample is None:
                sample = _Sample(outline)
                samples.append(sample)
            sample.masks.append(np.packbits(mask))
        return samples_of

    def _measure_samples(self, shape: tuple[int, ...], samples: Sequence[_Sample]) -> list[_Group]:
        """Return the groups of the sampled frames of one size, the largest first."""
        measured = sorted((sample for sample in samples if sample.outline), key=lambda sample: -len(sample.masks))
        groups = []
        for sample in measured[:MAX_GROUPS] or samples:
            try:
                outline = measure_outline(sample.pool(shape), self.window.apex)
            except ValueError:
                if sample.outline is None:
                    continue
                outline = sample.outline
            groups.append(_Group(outline, shape, sample.unpack(shape)))
        return groups


def _describe_misfit(mask: np.ndarray, fan: FanGeometry) -> str | None:
    """Return why bright pixels do not fill a fan from border to border, or None if they do."""
    bright, inside = thin(mask), draw_inside(fan, mask.shape)
    if not (bright & inside).any():
        return None
    step = mask.shape[0] / len(bright)
    gaps = (_find_margins(bright & inside, inside) - _find_margins(inside, inside)) * step
    tolerance = max(3.0, BORDER_TOLERANCE * mask.shape[0])
    sides = [f"{gap:.0f} pixels at the {side}" for side, gap in zip(_SIDES, gaps, strict=True) if gap > tolerance]
    if sides:
        return f"the fan does not reach the border that --fov expects ({', '.join(sides)} are black); {_ADVICE}"
    outside = np.count_nonzero(bright & ~inside) / np.count_nonzero(inside)
    if outside > MAX_OUTSIDE:
        return f"there are bright pixels outside of the fan that --fov gives ({outside:.0%} of its area); {_ADVICE}"
    return None


_SIDES = ("top", "bottom", "left", "right")
_ADVICE = "ranges and bearings may be wrong; give --crop or --apex, or leave out --fov to measure the fan"


def _find_margins(mask: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return how many rows and columns at the top, bottom, left and right the mask leaves empty inside a fan."""
    margins = []
    for axis, fraction in ((1, FILLED_ROW), (0, FILLED_COLUMN)):
        filled = np.flatnonzero(mask.sum(axis) > fraction * inside.sum(axis))
        size = mask.shape[1 - axis]
        margins += [filled[0], size - 1 - filled[-1]] if len(filled) else [size, size]
    return np.array(margins)
