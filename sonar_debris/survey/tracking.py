"""Link the detections of a sequence of frames that show the same object.

Objects on the sea floor lie still: from frame to frame they move only as far as the sonar does. Detections in
neighbouring frames are linked so that the sum of all squared distances is smallest; then tracks are linked over gaps.
A large object may be detected as several parts next to each other: a track that lies, in the frames that show both,
within the reach of another track is merged with it. A detector may also report the echo and the shadow of an object as
two boxes; `join_echo_and_shadow` joins them if one appears rarely.

Reference:
    Jaqaman et al., Robust single-particle tracking in live-cell time-lapse sequences, Nature Methods 5, 2008,
    doi:10.1038/nmeth.1237; implemented by laptrack.
"""

from typing import Any

import numpy as np
import pandas as pd
from laptrack import LapTrack
from pyproj import Proj
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from sonar_debris.frames.geometry import polar_to_metres

# Largest distance that an object moves between neighbouring frames, and over a gap; in pixels if metres are unknown.
MAX_STEP = {"m": 0.3, "px": 30.0}
MAX_GAP_STEP = {"m": 0.6, "px": 60.0}
# Consecutive frames in which an object may be missed.
MAX_GAP = 10
# Largest distance in metres between the positions of two tracks of one object that is seen again later.
SAME_PLACE = 0.2
# Largest gap between two boxes that touch, in sides of the box of the smaller part.
TOUCH_MARGIN = 0.25
# A track is a part of another track if it appears in less than this share of the other's frames, …
MAX_FRAME_SHARE = 0.5
# … in this share of its own frames together with the other, …
MIN_SHARED_FRAMES = 0.5
# … and touches the other in this share of the frames that show both.
MIN_TOUCHING_SHARE = 0.8


def track(detections: pd.DataFrame) -> np.ndarray:
    """Link the detections of one sequence of frames.

    Args:
        detections: one row per detection, in the order of the frames. Columns: ``index`` of the frame in the sequence;
            ``x y w h`` of the box in pixels; ``range_m bearing_deg width_m range_extent_m latitude longitude``, NaN if
            unknown.

    Returns:
        ``(N,)`` int array: the track of each detection. Tracks count from 0, in the order of their first detections.
    """
    if len(detections) == 0:
        return np.zeros(0, int)
    points, radii, unit = _points(detections)
    options: dict[str, Any] = {
        "metric": "sqeuclidean",
        "cutoff": MAX_STEP[unit] ** 2,
        "gap_closing_metric": "sqeuclidean",
        "gap_closing_cutoff": MAX_GAP_STEP[unit] ** 2,
        "gap_closing_max_frame_count": MAX_GAP,
        "splitting_cutoff": False,
        "merging_cutoff": False,
    }
    linked = pd.DataFrame(
        {
            "index": detections["index"].to_numpy(),
            "x": points[:, 0],
            "y": points[:, 1],
            "row": np.arange(len(detections)),
            "radius": radii,
        }
    )
    laptrack_table, _, _ = LapTrack(**options).predict_dataframe(
        linked, ["x", "y"], frame_col="index", only_coordinate_cols=False
    )
    linked["track"] = pd.factorize(laptrack_table.set_index("row")["track_id"].sort_index())[0]
    return pd.factorize(_merge_tracks(linked, _is_located(detections)))[0]


def _merge_tracks(linked: pd.DataFrame, located: bool) -> np.ndarray:
    """Merge the tracks of an object's parts and, if positions are known, of its later sightings.

    Args:
        linked: one row per detection: ``index`` of the frame, ``track``, centre ``x y`` and ``radius``.
        located: whether ``x y`` are positions on Earth; then an object keeps its position.

    Returns:
        ``(N,)`` int array: the same number for all detections of an object.
    """
    tracks = linked.groupby("track")[["x", "y", "radius"]].mean().to_numpy()
    neighbours = _neighbours(linked, tracks[:, 2])
    pairs = neighbours[neighbours["distance"] <= neighbours["reach"]][["a", "b"]].to_numpy()
    if located:
        pairs = np.concatenate([pairs, _pairs_at_same_place(tracks, neighbours)])
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(tracks), len(tracks)))
    _, merged = connected_components(graph, directed=False)
    return np.asarray(merged[linked["track"]])


def _neighbours(linked: pd.DataFrame, radius: np.ndarray) -> pd.DataFrame:
    """Return the pairs of tracks that share frames.

    Args:
        linked: one row per detection: ``index`` of the frame, ``track``, centre ``x y``.
        radius: ``(tracks,)`` mean radius of each track.

    Returns:
        One row per pair: tracks ``a`` and ``b``, their mean ``distance`` in the shared frames, and ``reach``, the
        larger of their radii.
    """
    pairs = linked.merge(linked, on="index", suffixes=("_a", "_b")).query("track_a < track_b")
    pairs = pairs.assign(distance=np.hypot(pairs["x_a"] - pairs["x_b"], pairs["y_a"] - pairs["y_b"]))
    neighbours = pairs.groupby(["track_a", "track_b"])["distance"].mean().rename_axis(["a", "b"]).reset_index()
    return neighbours.assign(reach=np.maximum(radius[neighbours["a"]], radius[neighbours["b"]]))


def _pairs_at_same_place(tracks: np.ndarray, neighbours: pd.DataFrame) -> np.ndarray:
    """Return pairs ``(K, 2)`` of tracks at one position.

    Such tracks lie within the reach of one of them, or closer than ``SAME_PLACE`` without sharing a frame.
    """
    positions, radius = tracks[:, :2], tracks[:, 2]
    pairs = KDTree(positions).query_pairs(max(SAME_PLACE, radius.max()), output_type="ndarray")
    distance = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    share_frames = pd.MultiIndex.from_arrays(pairs.T).isin(pd.MultiIndex.from_frame(neighbours[["a", "b"]]))
    within_reach = distance <= np.maximum(radius[pairs[:, 0]], radius[pairs[:, 1]])
    return pairs[within_reach | ((distance <= SAME_PLACE) & ~share_frames)]


def _points(detections: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the centres ``(N, 2)`` of detections, their radii ``(N,)``, and the unit of both.

    Centres are positions on Earth if known, else relative to the sonar, else in the frame.
    """
    radius_m = detections[["width_m", "range_extent_m"]].max(axis=1).to_numpy(float) / 2
    if _is_located(detections):
        return local_metres(detections["latitude"], detections["longitude"]), radius_m, "m"
    if detections[["range_m", "bearing_deg"]].notna().all(axis=None):
        return polar_to_metres(detections[["range_m", "bearing_deg"]].to_numpy()), radius_m, "m"
    centres = detections[["x", "y"]].to_numpy() + detections[["w", "h"]].to_numpy() / 2
    return centres, detections[["w", "h"]].max(axis=1).to_numpy() / 2, "px"


def _is_located(detections: pd.DataFrame) -> bool:
    return bool(detections[["latitude", "longitude"]].notna().all(axis=None))


def join_echo_and_shadow(detections: pd.DataFrame) -> pd.Series:
    """Join tracks that show the echo and the shadow of one object.

    A detector usually reports only one of the two, and the other in few frames. A track is therefore joined to another
    track that it touches, if it appears in few of that track's frames.

    Args:
        detections: one row per detection: its ``track``, the ``index`` of its frame, its box ``x y w h`` in pixels.

    Returns:
        ``(N,)`` tracks, with that of the larger part for all detections of the smaller part.
    """
    frames = detections.groupby("track")["index"].nunique()
    pairs = _candidate_pairs(detections, frames)
    touching = _boxes_touch(pairs).groupby([pairs["track"], pairs["track_whole"]]).agg(["size", "mean"]).reset_index()
    is_part = (touching["mean"] >= MIN_TOUCHING_SHARE) & (
        touching["size"] >= MIN_SHARED_FRAMES * touching["track"].map(frames)
    )
    # A part belongs to the track with which it shares most frames.
    parts = touching[is_part].sort_values("size", ascending=False, kind="stable").drop_duplicates("track")
    whole_of_part = parts.set_index("track")["track_whole"]
    # A part of a part belongs to the whole. The loop ends, as each whole has more frames than its part.
    while whole_of_part.isin(whole_of_part.index).any():
        whole_of_part = whole_of_part.map(whole_of_part).fillna(whole_of_part)
    return detections["track"].map(whole_of_part).fillna(detections["track"]).astype(int)


def _candidate_pairs(detections: pd.DataFrame, frames: pd.Series) -> pd.DataFrame:
    """Return the pairs of detections in the same frame of which the first one's track has far fewer frames."""
    boxes = detections[["track", "index", "x", "y", "w", "h"]]
    pairs = boxes.merge(boxes, on="index", suffixes=("", "_whole"))
    return pairs[pairs["track"].map(frames) < MAX_FRAME_SHARE * pairs["track_whole"].map(frames)]


def _boxes_touch(pairs: pd.DataFrame) -> pd.Series:
    """Return for each pair whether its boxes overlap after the smaller part is widened by ``TOUCH_MARGIN``."""
    touch = pd.Series(True, index=pairs.index)
    for start, side in (("x", "w"), ("y", "h")):
        margin = TOUCH_MARGIN * pairs[side]
        touch &= pairs[start] - margin < pairs[f"{start}_whole"] + pairs[f"{side}_whole"]
        touch &= pairs[f"{start}_whole"] < pairs[start] + pairs[side] + margin
    return touch


def local_metres(latitude: pd.Series, longitude: pd.Series) -> np.ndarray:
    """Convert geographic positions to metres from the first of them.

    Args:
        latitude: ``(N,)`` degrees (WGS 84), at least one.
        longitude: ``(N,)`` degrees.

    Returns:
        ``(N, 2)`` metres east and north.
    """
    plane = Proj(proj="aeqd", ellps="WGS84", lat_0=latitude.iloc[0], lon_0=longitude.iloc[0])
    return np.column_stack(plane(longitude.to_numpy(), latitude.to_numpy()))
