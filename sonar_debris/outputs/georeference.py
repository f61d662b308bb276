"""Where detections lie in the world, as far as their frame tells."""

import numpy as np

from sonar_debris.frames.frame import Frame

# Digits after the point: millimetres, and 1e-7 degrees are a centimetre.
DECIMALS = {"range_m": 3, "bearing_deg": 3, "width_m": 3, "height_m": 3, "latitude": 7, "longitude": 7}


def georeference(frame: Frame, xyxy: np.ndarray) -> list[dict[str, float]]:
    """Range and bearing of the boxes' middles, their size in metres and, with navigation, latitude and longitude.

    Args:
        frame: the frame.
        xyxy: ``(N, 4)`` boxes in its pixels.

    Returns:
        For each box the keys of ``DECIMALS`` that are known.
    """
    if frame.geometry is None:
        return [{} for _ in xyxy]
    polar = frame.geometry.to_polar((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    known = [polar, frame.geometry.size_in_metres(xyxy)]
    if frame.navigation and frame.navigation.located:
        known.append(frame.navigation.to_position(polar))
    rows = np.concatenate(known, axis=1).tolist()
    return [{key: round(value, DECIMALS[key]) for key, value in zip(DECIMALS, row, strict=False)} for row in rows]
