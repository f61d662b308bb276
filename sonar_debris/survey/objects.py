"""Find the objects of a survey: track its detections, drop clutter, and describe each object once.

A detector may report the echo and the shadow of an object as two boxes next to each other. Tracking merges them if they
usually appear together (`sonar_debris.survey.tracking`); `join_echo_and_shadow` joins them if one appears rarely.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
import pandas as pd

from sonar_debris.boxes import intersection_over_smaller, non_maximum_suppression
from sonar_debris.detections import UNKNOWN
from sonar_debris.frames.frame import natural_sort_key
from sonar_debris.frames.geometry import mean_position
from sonar_debris.survey.schema import ObjectRecord, Sighting, TrackedSource
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres, track

# A track whose scores sum to less than this is dropped as clutter. If a score is the probability that its detection is
# right, the sum is the expected number of frames that show an object.
MIN_FRAMES = 5
# Intersection-over-smaller above which two boxes of a frame show the same object.
MAX_INTERSECTION_OVER_SMALLER = 0.5
# Largest time between the files of a recording that was split, in times between its frames.
MAX_SPLIT_GAP = 3
# Images without a time are sequences of their own; this many are loaded at a time.
SINGLE_IMAGES_PER_BATCH = 1000

# Largest gap between two boxes that touch, in sides of the box of the smaller part.
TOUCH_MARGIN = 0.25
# A track is a part of another track if it appears in less than this share of the other's frames, …
MAX_FRAME_SHARE = 0.5
# … in this share of its own frames together with the other, …
MIN_SHARED_FRAMES = 0.5
# … and touches the other in this share of the frames that show both.
MIN_TOUCHING_SHARE = 0.8


class _Sequence(NamedTuple):
    """Sources whose detections are tracked together.

    Attributes:
        first_indices: for each source's id the index in the sequence of its frame at position 0.
        is_tracked: whether its frames are linked; single images are not.
    """

    first_indices: dict[int, int]
    is_tracked: bool = True


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
        objects, sightings = _compute_objects(store)
        store.replace_objects(state, objects, sightings)
    return store.count_objects()


def _compute_objects(store: SurveyStore) -> tuple[list[ObjectRecord], list[Sighting]]:
    objects: list[ObjectRecord] = []
    sightings: list[Sighting] = []
    for sequence in _sequences(store.tracked_sources()):
        detections = _suppress_duplicates(_load_detections(store, sequence))
        if sequence.is_tracked:
            object_ids = _assign_objects(detections)
        else:
            object_ids = pd.Series(np.arange(len(detections)), index=detections.index)
        for _, members in detections.groupby(object_ids):
            record = _describe_object(len(objects) + 1, members)
            objects.append(record)
            for source, position, rank in members[["source", "position", "rank"]].to_numpy().tolist():
                sightings.append(Sighting(source, position, rank, record.id))
    return objects, sightings


def _load_detections(store: SurveyStore, sequence: _Sequence) -> pd.DataFrame:
    """Return the detections of a sequence, with the ``index`` of their frames; impossible positions are unknown."""
    detections = store.detections_to_track(list(sequence.first_indices))
    places = detections[["latitude", "longitude"]].astype(float)
    is_on_earth = (places.abs() <= [90, 180]).all(axis=1)
    detections[["latitude", "longitude"]] = places[is_on_earth].reindex(places.index)
    index = detections["source"].map(sequence.first_indices) + detections["position"]
    return detections.assign(index=index).sort_values("index", kind="stable", ignore_index=True)


def _sequences(sources: Sequence[TrackedSource]) -> Iterator[_Sequence]:
    """Yield the sequences that show detections: recordings, then the timed images of each folder, then single images.

    The files of a recording that was split are one sequence.
    """
    recordings: list[TrackedSource] = []
    folders: dict[PurePath, list[TrackedSource]] = {}
    single_images: list[int] = []
    for source in sources:
        if source.frames > 1:
            recordings.append(source)
        elif source.first_time is not None:
            folders.setdefault(source.path.parent, []).append(source)
        elif source.has_detections:
            single_images.append(source.id)
    for parts in _join_split_recordings(recordings):
        if any(part.has_detections for part in parts):
            yield _Sequence(_index_parts(parts))
    for folder in folders.values():
        if any(image.has_detections for image in folder):
            # By time, not in the order in which they were added: a resumed survey has the same sequence.
            folder.sort(key=_start_of)
            yield _Sequence({image.id: index for index, image in enumerate(folder)})
    for start in range(0, len(single_images), SINGLE_IMAGES_PER_BATCH):
        images = single_images[start : start + SINGLE_IMAGES_PER_BATCH]
        yield _Sequence({image: index for index, image in enumerate(images)}, is_tracked=False)


def _start_of(source: TrackedSource) -> tuple[float, list[int | str]]:
    return source.first_time or 0.0, natural_sort_key(source.path.name)


def _join_split_recordings(recordings: Sequence[TrackedSource]) -> Iterator[list[TrackedSource]]:
    """Group the files of recordings that were split by size or by time; yield them in the order of their first files.

    Files belong together if they lie in one folder, their names differ only in numbers, their frames have one size, and
    each file begins no later than `MAX_SPLIT_GAP` frames after the end of the one before. Files without times are
    recordings of their own.
    """
    groups: dict[object, list[TrackedSource]] = {}
    for recording in recordings:
        is_timed = recording.first_time is not None and recording.rows is not None
        key = (recording.path.parent, _name_without_numbers(recording.path), recording.rows, recording.cols)
        groups.setdefault(key if is_timed else recording.id, []).append(recording)
    joined: list[list[TrackedSource]] = []
    for files in groups.values():
        files.sort(key=_start_of)
        parts = files[:1]
        for file in files[1:]:
            if not _continues(parts[-1], file):
                joined.append(parts)
                parts = []
            parts.append(file)
        joined.append(parts)
    yield from sorted(joined, key=lambda parts: parts[0].id)


def _name_without_numbers(path: PurePath) -> str:
    """Return a name that the files of a split recording share: ``dive.aris`` for ``dive_001.aris`` and ``dive.aris``.

    Example:
        >>> _name_without_numbers(PurePath("2024-05-01_100000_HF.aris"))
        '#_HF.aris'
    """
    stem = re.sub(r"([-_. ]*[0-9]+)+", "#", path.stem)
    return stem.rstrip("#") + path.suffix.lower()


def _continues(earlier: TrackedSource, later: TrackedSource) -> bool:
    """Return whether a file begins where an earlier one ends, to within some frames."""
    if earlier.first_time is None or earlier.last_time is None or later.first_time is None:
        return False
    interval = (earlier.last_time - earlier.first_time) / (earlier.frames - 1)
    return 0 < later.first_time - earlier.last_time <= MAX_SPLIT_GAP * interval


def _index_parts(parts: Sequence[TrackedSource]) -> dict[int, int]:
    """Return for the files of a recording the index of the frame at position 0, as if they were one file."""
    first_indices: dict[int, int] = {}
    next_index: int | None = None
    for part in parts:
        first_indices[part.id] = 0 if next_index is None else next_index - part.first_position
        step = round((part.last_position - part.first_position) / (part.frames - 1))
        next_index = first_indices[part.id] + part.last_position + step
    return first_indices


def _assign_objects(detections: pd.DataFrame) -> pd.Series:
    """Return the object id of each detection of a sequence; NaN for clutter.

    A track with a detection that a person accepted is neither clutter nor part of another object.
    """
    detections = detections.assign(track=track(detections))
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


def _suppress_duplicates(detections: pd.DataFrame) -> pd.DataFrame:
    """Suppress boxes that overlap a box of higher score in the same frame.

    The detector's own non-maximum suppression keeps the boxes of a part and of the whole object.
    """
    x, y, w, h = detections[["x", "y", "w", "h"]].to_numpy().T
    xyxy = np.column_stack([x, y, x + w, y + h])
    scores = detections["score"].to_numpy()
    kept_rows = [np.zeros(0, int)]
    for rows in detections.groupby(["source", "position"], sort=False).indices.values():
        rows = np.asarray(rows)
        kept = non_maximum_suppression(
            xyxy[rows], scores[rows], MAX_INTERSECTION_OVER_SMALLER, intersection_over_smaller
        )
        kept_rows.append(rows[kept])
    return detections.iloc[np.sort(np.concatenate(kept_rows))]


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
