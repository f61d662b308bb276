"""Compute range, bearing, size in metres and geographic position of detections."""

import numpy as np

from sonar_debris.frames.frame import Frame

# Digits after the decimal point, by column: millimetres for lengths; 1e-7 degrees of latitude are a centimetre.
DECIMALS = {"range_m": 3, "bearing_deg": 3, "width_m": 3, "height_m": 3, "latitude": 7, "longitude": 7}


def georeference(frame: Frame, xyxy: np.ndarray) -> list[dict[str, float]]:
    """Return where boxes lie in the world, as far as their frame's geometry and navigation are known.

    Range, bearing, latitude and longitude are those of the box's centre.

    Args:
        frame: the frame.
        xyxy: ``(N, 4)`` boxes in pixels of the frame.

    Returns:
        One dictionary per box, with those keys of ``DECIMALS`` that are known: none without geometry, no latitude and
        longitude without navigation.
    """
    if frame.geometry is None:
        return [{} for _ in xyxy]
    polar = frame.geometry.to_polar((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    columns = [polar, frame.geometry.size_in_metres(xyxy)]
    if frame.navigation and frame.navigation.located:
        columns.append(frame.navigation.to_position(polar))
    rows = np.concatenate(columns, axis=1).tolist()
    # Without navigation a row is shorter than DECIMALS, whose last keys are then left out.
    return [{key: round(value, DECIMALS[key]) for key, value in zip(DECIMALS, row, strict=False)} for row in rows]
