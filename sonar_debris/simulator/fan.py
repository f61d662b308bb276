"""Geometry of the simulated sonar's fan, and resampling between range samples and frame pixels."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

ROWS, COLS = 480, 320
BEAMS = 128
SAMPLES = 288


@dataclass(frozen=True)
class Fan:
    """Geometry of a fan-shaped frame of 480 rows × 320 columns, with the apex below the bottom of the frame.

    Attributes:
        apex: row of the apex in pixels. Its column is the middle of the frame.
        half_angle: bearing of the outer edge of the outermost beam, in degrees.
        min_range: distance from the apex to the nearest range sample, in pixels.
        max_range: distance from the apex to the farthest range sample, in pixels.
    """

    apex: float
    half_angle: float
    min_range: float
    max_range: float

    @property
    def sample_spacing(self) -> float:
        """Length of a range sample in pixels."""
        return (self.max_range - self.min_range) / SAMPLES


# Two range windows of an ARIS Explorer 3000, measured on the fan outlines of the watertank frames.
FANS = (Fan(602.5, 15.0, 138.5, 578.0), Fan(748.7, 12.2, 290.5, 722.5))


# The caches below hold arrays of at most eight fans; the package itself uses two.
@lru_cache(maxsize=8)
def fan_mask(fan: Fan) -> np.ndarray:
    """Return a ``(480, 320)`` bool mask of the pixels inside the fan."""
    sample, beam = _sample_of_pixel(fan)
    return (sample >= 0) & (sample < SAMPLES) & (beam >= 0) & (beam < BEAMS)


def to_polar(fan: Fan, image: np.ndarray) -> np.ndarray:
    """Resample an image at the centres of range samples and beams.

    Args:
        fan: the fan's geometry.
        image: ``(480, 320)`` image.

    Returns:
        ``(288, 128)`` samples, nearest range and leftmost beam first.
    """
    cols, rows = _pixel_of_sample(fan)
    return cv2.remap(image, cols, rows, cv2.INTER_LINEAR)


def to_frame(fan: Fan, polar: np.ndarray) -> np.ndarray:
    """Scan-convert range samples to a frame.

    Each pixel takes the nearest sample without interpolation. As in recorded frames, beams then show as short dashes.

    Args:
        fan: the fan's geometry.
        polar: ``(288, 128)`` samples, nearest range and leftmost beam first.

    Returns:
        ``(480, 320)`` image, 0 outside the fan.
    """
    sample, beam = _sample_of_pixel(fan)
    # remap rounds to the nearest integer, while samples and beams are measured from the edge of the first cell.
    frame = cv2.remap(polar, beam - 0.5, sample - 0.5, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.where(fan_mask(fan), frame, 0)


@lru_cache(maxsize=8)
def _sample_of_pixel(fan: Fan) -> tuple[np.ndarray, np.ndarray]:
    """Return the range sample and the beam of each pixel, ``(480, 320)`` float32 each."""
    rows, cols = np.mgrid[:ROWS, :COLS] + 0.5
    across, ahead = cols - COLS / 2, fan.apex - rows
    sample = (np.hypot(across, ahead) - fan.min_range) / fan.sample_spacing
    beam = (np.degrees(np.arctan2(across, ahead)) / fan.half_angle + 1) * BEAMS / 2
    return sample.astype(np.float32), beam.astype(np.float32)


@lru_cache(maxsize=8)
def _pixel_of_sample(fan: Fan) -> tuple[np.ndarray, np.ndarray]:
    """Return the column and the row of each range sample, ``(288, 128)`` float32 each."""
    samples, beams = np.mgrid[:SAMPLES, :BEAMS] + 0.5
    distance = fan.min_range + samples * fan.sample_spacing
    bearing = np.radians((beams * 2 / BEAMS - 1) * fan.half_angle)
    cols = COLS / 2 + distance * np.sin(bearing) - 0.5
    rows = fan.apex - distance * np.cos(bearing) - 0.5
    return cols.astype(np.float32), rows.astype(np.float32)
