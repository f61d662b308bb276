"""Scan conversion: from beams and range samples to the fan, and back."""

from functools import lru_cache

import cv2
import numpy as np

from sonar_debris.frames.geometry import FanGeometry

# Rows of the fans that recordings are converted to: more would be reduced again for the networks.
ROWS = 640
MAX_COLS = 4 * ROWS
# The sample of pixels outside the fan: it does not exist, so that OpenCV makes them 0.
OUTSIDE = -2


def convert_scan(
    echoes: np.ndarray, bearings: np.ndarray, first_range: float, range_step: float
) -> tuple[np.ndarray, FanGeometry]:
    """Convert beams and samples to a fan of ``ROWS`` rows, or fewer if it is very wide.

    The fan reaches from edge to edge of the outermost beams and samples.

    Args:
        echoes: ``(samples, beams)``, nearest range and leftmost beam first; at least two beams.
        bearings: ``(beams,)`` increasing, in degrees.
        first_range: range of the first sample, in metres.
        range_step: distance from sample to sample, in metres.

    Returns:
        The image ``(rows, cols)`` of the dtype of ``echoes``, 0 outside the fan, and its geometry.

    Raises:
        ValueError: the ranges or bearings cannot be drawn as a fan.
    """
    fan = enclosing_fan(bearings, first_range, range_step, len(echoes))
    # If samples are closer than rows, each row shows their mean: one sample alone would show more speckle.
    samples_per_row = max(1, min(len(echoes), int(fan.metres_per_pixel / range_step)))
    if samples_per_row > 1:
        count = len(echoes) // samples_per_row
        whole_rows = np.ascontiguousarray(echoes[: count * samples_per_row])
        echoes = cv2.resize(whole_rows, (echoes.shape[1], count), interpolation=cv2.INTER_AREA)
        first_range += range_step * (samples_per_row - 1) / 2
        range_step *= samples_per_row
    return to_fan(echoes, fan, bearings, first_range, range_step), fan


def enclosing_fan(bearings: np.ndarray, first_range: float, range_step: float, samples: int) -> FanGeometry:
    """Return the fan that `convert_scan` fills.

    Args:
        bearings: ``(beams,)`` increasing, in degrees; at least two.
        first_range: range of the first sample, in metres.
        range_step: distance from sample to sample, in metres.
        samples: number of samples per beam.

    Returns:
        A fan of ``ROWS`` rows, or fewer if it is very wide, from edge to edge of the outermost beams and samples.

    Raises:
        ValueError: the ranges or bearings cannot be drawn as a fan.
    """
    # The edge of the outermost beam is half as far from its centre as the centre of the next beam.
    edges = bearings[[0, -1]] + (bearings[[0, -1]] - bearings[[1, -2]]) / 2
    last_range, field_of_view = first_range + samples * range_step, float(2 * np.abs(edges).max())
    fan = FanGeometry.of_window(ROWS, first_range, last_range, field_of_view)
    if fan.shape[1] > MAX_COLS:  # a short window far away, as in a damaged header, is a thin and very wide arc
        rows = max(1, ROWS * MAX_COLS // fan.shape[1])
        fan = FanGeometry.of_window(rows, first_range, last_range, field_of_view)
    if fan.shape[1] > 2 * MAX_COLS:
        raise ValueError(f"its range window of {first_range:g} to {last_range:g} m cannot be drawn as a fan")
    return fan


def to_fan(
    echoes: np.ndarray, fan: FanGeometry, bearings: np.ndarray, first_range: float, range_step: float
) -> np.ndarray:
    """Convert beams and samples to a given fan, with bilinear interpolation.

    Args:
        echoes: ``(samples, beams)``, nearest range and leftmost beam first.
        fan: the fan to fill.
        bearings: ``(beams,)`` increasing, in degrees.
        first_range: range of the first sample, in metres.
        range_step: distance from sample to sample, in metres.

    Returns:
        An image of the shape ``fan.shape`` and the dtype of ``echoes``; 0 outside the fan.
    """
    bearing_bytes = np.asarray(bearings, float).tobytes()
    beam_map, sample_map = _pixel_maps(fan, bearing_bytes, first_range, range_step, len(echoes))
    return cv2.remap(np.ascontiguousarray(echoes), beam_map, sample_map, cv2.INTER_LINEAR)


def to_echoes(
    image: np.ndarray, fan: FanGeometry, bearings: np.ndarray, first_range: float, range_step: float, samples: int
) -> np.ndarray:
    """Convert a fan to beams and samples, with bilinear interpolation: the inverse of `to_fan`.

    Args:
        image: ``(rows, cols)``, the frame.
        fan: its geometry.
        bearings: ``(beams,)`` in degrees.
        first_range: range of the first sample, in metres.
        range_step: distance from sample to sample, in metres.
        samples: number of samples per beam.

    Returns:
        ``(samples, beams)`` of the dtype of ``image``, nearest range first.
    """
    ranges = first_range + range_step * np.arange(samples)
    distance, bearing = np.meshgrid(ranges, bearings, indexing="ij")
    xy = (fan.from_polar(np.stack([distance, bearing], axis=-1)) - 0.5).astype(np.float32)
    return cv2.remap(image, xy[..., 0], xy[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# The frames of a recording have the same maps: computing them takes longer than applying them.
@lru_cache(maxsize=8)
def _pixel_maps(
    fan: FanGeometry, bearing_bytes: bytes, first_range: float, range_step: float, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return beam and sample of each pixel of the fan, as OpenCV's fixed-point maps."""
    rows, cols = fan.shape
    x, y = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    xy = np.stack([x, y], axis=-1)
    distance, bearing = np.moveaxis(fan.to_polar(xy), -1, 0)
    bearings = np.frombuffer(bearing_bytes)
    # Half a beam's width beyond the centres of the outermost beams still belongs to them: np.interp clips.
    beam = np.interp(bearing, bearings, np.arange(len(bearings)))
    position = np.clip((distance - first_range) / range_step, 0, samples - 1)
    sample = np.where(fan.contains(xy), position, OUTSIDE)
    beam_map, sample_map = cv2.convertMaps(beam.astype(np.float32), sample.astype(np.float32), cv2.CV_16SC2)
    return beam_map, sample_map
