"""Which detections of a sequence of frames show the same object.

Objects on the sea floor lie still: from frame to frame they move as far as the sonar does. Detections of neighbouring
frames are linked so that all links together are shortest, then tracks with a gap between them. A large object may be
seen as several parts side by side: what lies within the reach of another, frame for frame, belongs to it.

Reference:
    Jaqaman et al., Robust single-particle tracking in live-cell time-lapse sequences, Nature Methods 5, 2008, through
    laptrack.
"""

import numpy as np
import pandas as pd
from laptrack import LapTrack
from pyproj import Proj
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

# Farthest that an object moves from a frame to the next, and over a gap: in metres, or pixels where those are not known
MAX_STEP, MAX_LEAP = {"m": 0.3, "px": 30.0}, {"m": 0.6, "px": 60.0}
# Frames in a row in which an object may be missed.
MAX_GAP = 10
# Metres between the places of two tracks of one object, seen again after a while.
SAME_PLACE = 0.2


def track(detections: pd.DataFrame) -> np.ndarray:
    """Link the detections of one sequence.

    Args:
        detections: columns ``index`` (of the frame in the sequence), ``x y w h`` in pixels, and ``range_m bearing_deg
            width_m height_m latitude longitude``, NaN where not known; in order of the frames.

    Returns:
        ``(N,)`` the number of the track of each detection, counted from 0 in order of their first detections.
    """
    if len(detections) == 0:
        return np.zeros(0, int)
    points, radii, unit = _points(detections)
    linker = LapTrack(
        metric="sqeuclidean",
        cutoff=MAX_STEP[unit] ** 2,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=MAX_LEAP[unit] ** 2,
        gap_closing_max_frame_count=MAX_GAP,
        splitting_cutoff=False,
        merging_cutoff=False,
    )
    seen = pd.DataFrame({"index": detections["index"].to_numpy(), "x": points[:, 0], "y": points[:, 1]})
    seen["row"], seen["radius"] = np.arange(len(seen)), radii
    linked, _, _ = linker.predict_dataframe(seen, ["x", "y"], frame_col="index", only_coordinate_cols=False)
    seen["track"] = pd.factorize(linked.set_index("row")["track_id"].sort_index())[0]
    return pd.factorize(_join(seen, _located(detections)))[0]


def _join(seen: pd.DataFrame, located: bool) -> np.ndarray:
    """One number for all tracks of an object: of its parts, and, where places are known, of its later sightings.

    Args:
        seen: of each detection the ``index`` of its frame, its ``track``, its place ``x y`` and its ``radius``.
        located: whether the places are on Earth: an object then keeps its place.
    """
    tracks = seen.groupby("track")[["x", "y", "radius"]].mean().to_numpy()
    parts = _parts(seen, tracks[:, 2])
    pairs = parts[parts["distance"] <= parts["reach"]][["a", "b"]].to_numpy()
    if located:
        pairs = np.concatenate([pairs, _same_place(tracks, parts)])
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(tracks), len(tracks)))
    return connected_components(graph, directed=False)[1][seen["track"]]


def _parts(seen: pd.DataFrame, radius: np.ndarray) -> pd.DataFrame:
    """Each two tracks ``a b`` that a frame shows, their mean ``distance`` there, and how far either reaches."""
    both = seen.merge(seen, on="index").query("track_x < track_y")
    distance = np.hypot(both["x_x"] - both["x_y"], both["y_x"] - both["y_y"])
    pairs = (
        distance.groupby([both["track_x"], both["track_y"]]).mean().rename_axis(["a", "b"]).reset_index(name="distance")
    )
    return pairs.assign(reach=np.maximum(radius[pairs["a"]], radius[pairs["b"]]))


def _same_place(tracks: np.ndarray, parts: pd.DataFrame) -> np.ndarray:
    """Pairs ``(K, 2)`` of tracks at one place: within the reach of one, or near and never in one frame."""
    places, radius = tracks[:, :2], tracks[:, 2]
    pairs = KDTree(places).query_pairs(max(SAME_PLACE, radius.max()), output_type="ndarray")
    distance = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    together = pd.MultiIndex.from_arrays(pairs.T).isin(pd.MultiIndex.from_frame(parts[["a", "b"]]))
    within = distance <= np.maximum(radius[pairs[:, 0]], radius[pairs[:, 1]])
    return pairs[within | ((distance <= SAME_PLACE) & ~together)]


def _points(detections: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, str]:
    """Where the detections lie, how far they reach from there, and in which unit.

    On Earth if that is known, else as seen from the sonar, else in the frame.
    """
    metres = detections[["width_m", "height_m"]].max(axis=1).to_numpy(float) / 2
    if _located(detections):
        return local_metres(detections["latitude"], detections["longitude"]), metres, "m"
    if detections[["range_m", "bearing_deg"]].notna().all(axis=None):
        bearing = np.radians(detections["bearing_deg"])
        return np.column_stack([np.sin(bearing), np.cos(bearing)]) * detections[["range_m"]].to_numpy(), metres, "m"
    centres = detections[["x", "y"]].to_numpy() + detections[["w", "h"]].to_numpy() / 2
    return centres, detections[["w", "h"]].max(axis=1).to_numpy() / 2, "px"


def _located(detections: pd.DataFrame) -> bool:
    return bool(detections[["latitude", "longitude"]].notna().all(axis=None))


def local_metres(latitude: pd.Series, longitude: pd.Series) -> np.ndarray:
    """Metres east and north ``(N, 2)`` of the first position."""
    plane = Proj(proj="aeqd", ellps="WGS84", lat_0=latitude.iloc[0], lon_0=longitude.iloc[0])
    return np.column_stack(plane(longitude.to_numpy(), latitude.to_numpy()))
