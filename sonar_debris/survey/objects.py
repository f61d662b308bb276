"""Find the objects of a survey: track its detections, drop clutter, and describe each object once.

A detector may report the echo and the shadow of an object as two boxes next to each other. Tracking merges them if they
usually appear together (`sonar_debris.survey.tracking`); `join_echo_and_shadow` joins them if one appears rarely.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sonar_debris.boxes import intersection_over_smaller, non_maximum_suppression
from sonar_debris.detections import UNKNOWN
from sonar_debris.frames.geometry import mean_position
from sonar_debris.survey.records import Decision, DetectionKey, ObjectRecord, Sighting
from sonar_debris.survey.sequences import FrameSequence, group_sequences
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres, track

# A track whose scores sum to less than this is dropped as clutter. If a score is the probability that its detection is
# right, the sum is the expected number of frames that show an object.
MIN_FRAMES = 5
# Intersection-over-smaller above which two boxes of a frame show the same object.
MAX_INTERSECTION_OVER_SMALLER = 0.5
# Of two such boxes the accepted one is kept, the rejected one is suppressed; scores, at most 1, decide between equals.
PRECEDENCE = {"accepted": 4.0, "undecided": 2.0, "rejected": 0.0}
# Largest gap between two boxes that touch, in sides of the box of the smaller part.
TOUCH_MARGIN = 0.25
# A track is a part of another track if it appears in less than this share of the other's frames, …
MAX_FRAME_SHARE = 0.5
# … in this share of its own frames together with the other, …
MIN_SHARED_FRAMES = 0.5
# … and touches the other in this share of the frames that show both.
MIN_TOUCHING_SHARE = 0.8


def find_objects(store: SurveyStore) -> int:
    """Find the objects of a survey and store them, unless the stored ones are up to date.

    They are up to date if no frame and no decision was added since they were found.

    Args:
        store: the survey's database.

    Returns:
        The number of objects.
    """
    state = store.current_state()
    if store.tracking_state() != state:
        results = _compute_objects(store)
        store.replace_objects(state, results.objects, results.sightings, results.decisions)
    return store.count_objects()


class _Results(NamedTuple):
    """The objects of a survey, what shows them, and decisions on objects that are extended to new sightings."""

    objects: list[ObjectRecord]
    sightings: list[Sighting]
    decisions: list[Decision]


def _compute_objects(store: SurveyStore) -> _Results:
    results = _Results([], [], [])
    for sequence in group_sequences(store.tracked_sources()):
        all_detections = _load_detections(store, sequence)
        detections = _suppress_duplicates(all_detections)
        if sequence.is_tracked:
            object_ids = _assign_objects(detections)
        else:
            object_ids = pd.Series(np.arange(len(detections)), index=detections.index)
        duplicates = dict(iter(_assign_duplicates(all_detections, object_ids).groupby("object")))
        for object_id, members in detections.groupby(object_ids):
            members_duplicates = duplicates.get(object_id, all_detections[:0])
            members = _extend_decision(members, members_duplicates, results.decisions)
            valid = members[members["verdict"] != "rejected"]
            if len(valid):
                record = _describe_object(len(results.objects) + 1, valid)
                results.objects.append(record)
                results.sightings.extend(_sightings(valid, record.id))
                results.sightings.extend(_sightings(members_duplicates, record.id, duplicate=True))
    return results


def _sightings(detections: pd.DataFrame, number: int, duplicate: bool = False) -> list[Sighting]:
    keys = detections[["source", "position", "rank"]].to_numpy().tolist()
    return [Sighting(source, position, rank, number, duplicate) for source, position, rank in keys]


def _extend_decision(members: pd.DataFrame, duplicates: pd.DataFrame, decisions: list[Decision]) -> pd.DataFrame:
    """Apply the last decision on an object to its sightings that are undecided: those that later frames added.

    Args:
        members: the sightings of the object.
        duplicates: its suppressed detections, which a decision on the object rejects.
        decisions: receives the decisions that are made so.

    Returns:
        The sightings with their new verdicts and classes.
    """
    decided = _decided_as_object(members)
    if decided.empty:
        return members
    last = decided.sort_values("decided").iloc[-1]
    is_new = members["verdict"] == "undecided"
    for detections, verdict in ((members[is_new], last["verdict"]), (duplicates, "rejected")):
        for *key, old_verdict in detections[["source", "position", "rank", "verdict"]].to_numpy().tolist():
            if old_verdict == "undecided":
                decisions.append(Decision(DetectionKey(*key), verdict, last["class"], last["decided"], True))
    return members.assign(
        verdict=members["verdict"].mask(is_new, last["verdict"]),
        **{"class": members["class"].mask(is_new, last["class"])},
    )


def _load_detections(store: SurveyStore, sequence: FrameSequence) -> pd.DataFrame:
    """Return the detections of a sequence, with the ``index`` of their frames; impossible positions are unknown."""
    detections = store.detections_to_track(list(sequence.first_indices))
    places = detections[["latitude", "longitude"]].astype(float)
    is_on_earth = (places.abs() <= [90, 180]).all(axis=1)
    detections[["latitude", "longitude"]] = places[is_on_earth].reindex(places.index)
    index = detections["source"].map(sequence.first_indices) + detections["position"]
    return detections.assign(index=index).sort_values("index", kind="stable", ignore_index=True)


def _assign_objects(detections: pd.DataFrame) -> pd.Series:
    """Return the object id of each detection of a sequence; NaN for clutter.

    A track with a detection that a person accepted is neither clutter nor part of another object. Detections that a
    person decided on as one object remain one.
    """
    detections = detections.assign(track=track(detections))
    for _, together in _decided_as_object(detections).groupby(["decided", "verdict"]):
        tracks = detections.loc[together.index, "track"].unique()
        if len(tracks) > 1:
            detections["track"] = detections["track"].where(~detections["track"].isin(tracks), tracks.min())
    is_accepted = detections["track"].isin(_accepted(detections)["track"])
    is_object = is_accepted | (detections["track"].map(_expected_frames(detections)) >= MIN_FRAMES)
    candidates = detections[is_object]
    object_ids = candidates["track"].where(is_accepted, join_echo_and_shadow(candidates))
    return object_ids.reindex(detections.index)


def _expected_frames(detections: pd.DataFrame) -> pd.Series:
    """Return for each track the expected number of frames that show it, if scores are probabilities."""
    return detections.groupby(["track", "index"])["score"].max().groupby("track").sum()


def _accepted(detections: pd.DataFrame) -> pd.DataFrame:
    return detections[detections["verdict"] == "accepted"]


def _decided_as_object(detections: pd.DataFrame) -> pd.DataFrame:
    """Return the detections whose last decision is on the object; those of one decision have the same ``decided``."""
    return detections[detections["whole_object"].astype(bool) & (detections["verdict"] != "undecided")]


def _suppress_duplicates(detections: pd.DataFrame) -> pd.DataFrame:
    """Suppress boxes that overlap a box of higher score in the same frame, or one that a person preferred.

    The detector's own non-maximum suppression keeps the boxes of a part and of the whole object.
    """
    xyxy, scores = _boxes(detections), detections["score"].to_numpy() + detections["verdict"].map(PRECEDENCE).to_numpy()
    kept_rows = [np.zeros(0, int)]
    for rows in _rows_by_frame(detections):
        kept = non_maximum_suppression(
            xyxy[rows], scores[rows], MAX_INTERSECTION_OVER_SMALLER, intersection_over_smaller
        )
        kept_rows.append(rows[kept])
    return detections.iloc[np.sort(np.concatenate(kept_rows))]


def _assign_duplicates(detections: pd.DataFrame, object_ids: pd.Series) -> pd.DataFrame:
    """Return the suppressed detections, with the ``object`` of the box that overlaps each most; NaN for clutter.

    Args:
        detections: all detections of a sequence.
        object_ids: object of each detection that was not suppressed, by its index label.
    """
    xyxy = _boxes(detections)
    objects = object_ids.reindex(detections.index).to_numpy(float, copy=True)
    is_suppressed = ~detections.index.isin(object_ids.index)
    for rows in _rows_by_frame(detections):
        suppressed, kept = rows[is_suppressed[rows]], rows[~is_suppressed[rows]]
        if len(suppressed):
            overlaps = intersection_over_smaller(xyxy[suppressed], xyxy[kept])
            objects[suppressed] = objects[kept][overlaps.argmax(axis=1)]
    return detections.assign(object=objects)[is_suppressed]


def _boxes(detections: pd.DataFrame) -> np.ndarray:
    x, y, w, h = detections[["x", "y", "w", "h"]].to_numpy(float).T
    return np.column_stack([x, y, x + w, y + h])


def _rows_by_frame(detections: pd.DataFrame) -> list[np.ndarray]:
    """Return for each frame the row numbers of its detections."""
    groups = detections.groupby(["source", "position"], sort=False).indices
    return [np.asarray(rows) for rows in groups.values()]


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


def _describe_object(number: int, members: pd.DataFrame) -> ObjectRecord:
    """Describe an object by its detections."""
    accepted = _accepted(members)
    # What a person accepted outweighs the detector.
    votes = (accepted if len(accepted) else members).groupby("class")["score"].sum()
    known_votes = votes.drop(UNKNOWN, errors="ignore")
    class_name = str((known_votes if len(known_votes) else votes).idxmax())
    of_class = members[members["class"] == class_name]
    best = of_class.sort_values(["score", "position"], ascending=[False, True]).iloc[0]
    latitude, longitude, position_scatter_m = _mean_position(members.dropna(subset=["latitude", "longitude"]))
    return ObjectRecord(
        id=number,
        class_name=class_name,
        agreement=float(votes[class_name] / votes.sum()),
        score=float(best["score"]),
        frames=int(members["index"].nunique()),
        source=int(best["source"]),
        position=int(best["position"]),
        rank=int(best["rank"]),
        first_time=_known(members["time"].min()),
        last_time=_known(members["time"].max()),
        latitude=latitude,
        longitude=longitude,
        position_scatter_m=position_scatter_m,
    )


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _mean_position(located: pd.DataFrame) -> tuple[float | None, float | None, float | None]:
    """Return the mean latitude and longitude in degrees, and the standard deviation in metres."""
    if located.empty:
        return None, None, None
    metres = local_metres(located["latitude"], located["longitude"])
    position_scatter_m = round(float(np.sqrt(metres.var(axis=0).sum())), 3)
    latitude, longitude = mean_position(located["latitude"].to_numpy(), located["longitude"].to_numpy())
    return latitude, longitude, position_scatter_m
