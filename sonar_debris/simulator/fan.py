"""The simulated sonar's fan: where each (range sample, beam) lies in the frame, and back."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

ROWS, COLS = 480, 320
BEAMS = 128
SAMPLES = 288


@dataclass(frozen=True)
class Fan:
    """Geometry of a fan-shaped frame of 480 rows × 320 columns, its apex below the frame's bottom.

    Attributes:
        apex: row of the apex in pixels; its column is the frame's middle.
        half_angle: bearing of the outermost beam's far edge, in degrees.
        min_range: distance from the apex to the nearest range sample, in pixels.
        max_range: distance from the apex to the farthest range sample, in pixels.
    """

    apex: float
    half_angle: float
    min_range: float
    max_range: float

    @property
    def sample_spacing(self) -> float:
        """Length of one range sample in pixels."""
        return (self.max_range - self.min_range) / SAMPLES


# The two windows of an ARIS Explorer 3000, measured on the outlines of the watertank frames.
FANS = (Fan(602.5, 15.0, 138.5, 578.0), Fan(748.7, 12.2, 290.5, 722.5))


@lru_cache
def fan_mask(fan: Fan) -> np.ndarray:
    """``(480, 320)`` bool: the pixels that the sonar sees."""
    sample, beam = _sample_of_pixel(fan)
    return (sample >= 0) & (sample < SAMPLES) & (beam >= 0) & (beam < BEAMS)


def to_polar(fan: Fan, image: np.ndarray) -> np.ndarray:
    """Resample a ``(480, 320)`` image at each range sample and beam: ``(288, 128)``, nearest range first."""
    return cv2.remap(image, *_pixel_of_sample(fan), cv2.INTER_LINEAR)


def to_frame(fan: Fan, polar: np.ndarray) -> np.ndarray:
    """Scan-convert ``(288, 128)`` samples to a ``(480, 320)`` frame that is 0 outside the fan.

    Each pixel takes the sample that it lies in, as in the recorded frames: beams show as short dashes.
    """
    sample, beam = _sample_of_pixel(fan)
    # remap rounds to the nearest integer, and cells are counted from their lower edge.
    frame = cv2.remap(polar, beam - 0.5, sample - 0.5, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.where(fan_mask(fan), frame, 0)


@lru_cache
def _sample_of_pixel(fan: Fan) -> tuple[np.ndarray, np.ndarray]:
    rows, cols = np.mgrid[:ROWS, :COLS] + 0.5
    across, ahead = cols - COLS / 2, fan.apex - rows
    sample = (np.hypot(across, ahead) - fan.min_range) / fan.sample_spacing
    beam = (np.degrees(np.arctan2(across, ahead)) / fan.half_angle + 1) * BEAMS / 2
    return sample.astype(np.float32), beam.astype(np.float32)


@lru_cache
def _pixel_of_sample(fan: Fan) -> tuple[np.ndarray, np.ndarray]:
    samples, beams = np.mgrid[:SAMPLES, :BEAMS] + 0.5
    distance = fan.min_range + samples * fan.sample_spacing
    bearing = np.radians((beams * 2 / BEAMS - 1) * fan.half_angle)
    cols = COLS / 2 + distance * np.sin(bearing) - 0.5
    rows = fan.apex - distance * np.cos(bearing) - 0.5
    return cols.astype(np.float32), rows.astype(np.float32)
