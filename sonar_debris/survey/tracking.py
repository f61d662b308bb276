"""Which detections of a sequence of frames show the same object.

Objects on the sea floor lie still: from frame to frame they move as far as the sonar does. Detections of neighbouring
frames are linked so that all links together are shortest, then tracks with a gap between them.

Reference:
    Jaqaman et al., Robust single-particle tracking in live-cell time-lapse sequences, Nature Methods 5, 2008, through
    laptrack.
"""

import numpy as np
import pandas as pd
from laptrack import LapTrack
from pyproj import Proj
from scipy.spatial import KDTree

# Farthest that an object moves from a frame to the next, and over a gap: in metres, or pixels where those are not known
MAX_STEP, MAX_LEAP = {"m": 0.3, "px": 30.0}, {"m": 0.6, "px": 60.0}
# Frames in a row in which an object may be missed.
MAX_GAP = 10
# Metres between the places of two tracks of one object.
SAME_PLACE = 0.2


def track(detections: pd.DataFrame) -> np.ndarray:
    """Link the detections of one sequence.

    Args:
        detections: columns ``index`` (of the frame in the sequence), ``x y w h`` in pixels, and ``range_m bearing_deg
            latitude longitude``, NaN where not known; in order of the frames.

    Returns:
        ``(N,)`` the number of the track of each detection, counted from 0 in order of their first detections.
    """
    if len(detections) == 0:
        return np.zeros(0, int)
    points, unit = _points(detections)
    linker = LapTrack(
        metric="sqeuclidean",
        cutoff=MAX_STEP[unit] ** 2,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=MAX_LEAP[unit] ** 2,
        gap_closing_max_frame_count=MAX_GAP,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    table = pd.DataFrame({"index": detections["index"].to_numpy(), "a": points[:, 0], "b": points[:, 1]})
    table["row"] = np.arange(len(table))
    linked, _, _ = linker.predict_dataframe(table, ["a", "b"], frame_col="index", only_coordinate_cols=False)
    numbers = linked.set_index("row")["track_id"].sort_index().to_numpy()
    if _located(detections):
        numbers = _join_places(numbers, points, table["index"].to_numpy())
    return pd.factorize(numbers)[0]


def _join_places(numbers: np.ndarray, points: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Tracks at one place on Earth are of one object, seen again after a while, unless one frame shows both."""
    means = pd.DataFrame(points).groupby(numbers).mean()
    frames = {number: set(index[numbers == number]) for number in means.index}
    pairs = KDTree(means.to_numpy()).query_pairs(SAME_PLACE, output_type="ndarray")
    away = np.linalg.norm(means.to_numpy()[pairs[:, 0]] - means.to_numpy()[pairs[:, 1]], axis=1)
    joined = {number: number for number in means.index}
    for a, b in pairs[np.argsort(away, kind="stable")]:
        first, second = (_end(joined, means.index[each]) for each in (a, b))
        if first != second and frames[first].isdisjoint(frames[second]):
            joined[second] = first
            frames[first] |= frames[second]
    return np.array([_end(joined, number) for number in numbers])


def _end(joined: dict, number: int) -> int:
    while joined[number] != number:
        number = joined[number]
    return number


def _points(detections: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Where the detections lie, and in which unit: on Earth if that is known, else as seen from the sonar."""
    if _located(detections):
        return local_metres(detections["latitude"], detections["longitude"]), "m"
    if detections[["range_m", "bearing_deg"]].notna().all(axis=None):
        bearing = np.radians(detections["bearing_deg"])
        return np.column_stack([np.sin(bearing), np.cos(bearing)]) * detections[["range_m"]].to_numpy(), "m"
    return (detections[["x", "y"]].to_numpy() + detections[["w", "h"]].to_numpy() / 2), "px"


def _located(detections: pd.DataFrame) -> bool:
    return bool(detections[["latitude", "longitude"]].notna().all(axis=None))


def local_metres(latitude: pd.Series, longitude: pd.Series) -> np.ndarray:
    """Metres east and north ``(N, 2)`` of the first position."""
    plane = Proj(proj="aeqd", ellps="WGS84", lat_0=latitude.iloc[0], lon_0=longitude.iloc[0])
    return np.column_stack(plane(longitude.to_numpy(), latitude.to_numpy()))
