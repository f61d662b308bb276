"""Objects that were taken for two: an echo and the shadow that it throws lie side by side, each like a thing.

MERGED:
From the detections of a survey to its objects: each counted once, however often it was seen.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from sonar_debris.boxes import intersection_over_smaller, non_maximum_suppression
from sonar_debris.detections import UNKNOWN
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres, track

# How far apart, in sides of the lesser one's box, two boxes may lie that still touch.
TOUCH_MARGIN = 0.25
# The lesser one shows up in less than this share of the frames that show the greater one; when it does, in so many of
# its own frames beside it; and then in so many of these the two touch.
MAX_FRAME_SHARE, MIN_SHARED_FRAMES, MIN_TOUCHING_SHARE = 0.5, 0.5, 0.8


def join_echo_and_shadow(seen: pd.DataFrame) -> pd.Series:
    """The track of each detection, of an object's echo and shadow the same.

    A detector is used to one of the two, and now and then names the other too. What is seen beside a thing, touching
    it, in few of the frames that show that thing, is therefore a part of it.

    Args:
        seen: a row a detection: its ``track``, the ``index`` of its frame, its box ``x y w h`` in pixels.

    Returns:
        ``(N,)`` tracks: that of the greater part where there are two.
    """
    frames = seen.groupby("track")["index"].nunique()
    columns = ["track", "index", *"xywh"]
    both = seen[columns].merge(seen[columns], on="index", suffixes=("", "_greater"))
    both = both[both["track"].map(frames) < MAX_FRAME_SHARE * both["track_greater"].map(frames)]
    pairs = _touch(both).groupby([both["track"], both["track_greater"]]).agg(["size", "mean"]).reset_index()
    pairs = pairs[
        (pairs["mean"] >= MIN_TOUCHING_SHARE) & (pairs["size"] >= MIN_SHARED_FRAMES * pairs["track"].map(frames))
    ]
    nearest = pairs.sort_values("size", ascending=False, kind="stable").drop_duplicates("track")
    belongs = nearest.set_index("track")["track_greater"]
    # A part of a part belongs to the whole. It ends: each is seen more often than the one before.
    while belongs.isin(belongs.index).any():
        belongs = belongs.map(belongs).fillna(belongs)
    return seen["track"].map(belongs).fillna(seen["track"]).astype(int)


def _touch(both: pd.DataFrame) -> pd.Series:
    """Whether the two boxes of each row overlap, the first one widened."""
    meet = pd.Series(True, index=both.index)
    for at, side in ("xw", "yh"):
        margin = TOUCH_MARGIN * both[side]
        meet &= both[at] - margin < both[f"{at}_greater"] + both[f"{side}_greater"]
        meet &= both[f"{at}_greater"] < both[at] + both[side] + margin
    return meet


# Frames of a recording that an object has to be seen in: what is to be expected in fewer, by its scores, is clutter.
MIN_FRAMES = 5
# Of boxes in one frame of which one lies in the other by more than this share, the better stands for the object.
MAX_INTERSECTION_OVER_SMALLER = 0.5
# Images without a time that are looked at together, though each is a sequence by itself.
SINGLE_IMAGES_PER_BATCH = 1000
SOURCES = """
SELECT id, name, frames > 1, EXISTS (SELECT * FROM frame WHERE source = id AND time IS NOT NULL) FROM source
WHERE EXISTS (SELECT * FROM detection WHERE source = id) ORDER BY id
"""
DETECTIONS = """
SELECT frame.time, judged.* FROM judged JOIN frame USING (source, position)
WHERE source IN ({}) AND verdict != 'rejected' ORDER BY source, position, rank
"""


def find_objects(store: SurveyStore) -> int:
    """Find the objects of a survey, unless nothing was searched or decided since they were found, and store them.

    Returns:
        How many there are.
    """
    (now,) = store.read("SELECT COUNT(*), (SELECT IFNULL(MAX(id), 0) FROM decision) FROM frame")
    if store.read("SELECT * FROM counted") != [now]:
        store.replace_objects(now, *_find(store))
    ((count,),) = store.read("SELECT COUNT(*) FROM object")
    return count


def _find(store: SurveyStore) -> tuple[list[tuple], list[tuple]]:
    """Rows of the tables ``object`` and ``sighting``."""
    objects, sightings = [], []
    for kind, sources in _sequences(store):
        rows = _suppress_duplicates(store.table(DETECTIONS.format(",".join(map(str, sources)))))
        rows["index"] = rows["position"] if kind == "recording" else rows["source"]
        # What a single image shows is seen only once.
        numbers = np.arange(len(rows)) if kind == "single" else _track_ids(rows)
        for _, seen in rows.groupby(numbers):
            objects.append(_describe(seen))
            sightings += [(*key, len(objects)) for key in seen[["source", "position", "rank"]].to_numpy().tolist()]
    return [(number, *each) for number, each in enumerate(objects, start=1)], sightings


def _track_ids(rows: pd.DataFrame) -> pd.Series:
    """The number of each detection's object, NaN for clutter. What a person accepted is an object in any case."""
    rows = rows.assign(track=track(rows))
    settled = rows["track"].isin(_accepted(rows)["track"])
    there = rows[settled | (rows["track"].map(_expected_frames(rows)) >= MIN_FRAMES)]
    return there["track"].where(settled, join_echo_and_shadow(there)).reindex(rows.index)


def _sequences(store: SurveyStore) -> Iterator[tuple[str, list[int]]]:
    """Sources that belong together: a recording, the timed images of a folder, or single images."""
    folders: dict[str, list[int]] = {}
    single: list[int] = []
    for source, name, recorded, timed in store.read(SOURCES):
        if recorded:
            yield "recording", [source]
        elif timed:
            folders.setdefault(str(PurePosixPath(name).parent), []).append(source)
        else:
            single.append(source)
    yield from (("folder", sources) for sources in folders.values())
    yield from (
        ("single", single[at : at + SINGLE_IMAGES_PER_BATCH]) for at in range(0, len(single), SINGLE_IMAGES_PER_BATCH)
    )


def _suppress_duplicates(detections: pd.DataFrame) -> pd.DataFrame:
    """Detections of which no two in a frame show the same: detection lets boxes of a part and of the whole stand."""
    x, y, w, h = detections[[*"xywh"]].to_numpy().T
    xyxy, score = np.column_stack([x, y, x + w, y + h]), detections["score"].to_numpy()
    kept = [np.zeros(0, int)]
    for rows in detections.groupby(["source", "position"], sort=False).indices.values():
        kept.append(
            rows[
                non_maximum_suppression(
                    xyxy[rows], score[rows], MAX_INTERSECTION_OVER_SMALLER, intersection_over_smaller
                )
            ]
        )
    return detections.iloc[np.sort(np.concatenate(kept))]


def _describe(seen: pd.DataFrame) -> tuple:
    """A row of the table ``object``, but for its id."""
    accepted = _accepted(seen)
    # What a person said outweighs the detector.
    votes = (accepted if len(accepted) else seen).groupby("class")["score"].sum()
    named = votes.drop(UNKNOWN, errors="ignore")
    winner = (named if len(named) else votes).idxmax()
    best = seen[seen["class"] == winner].sort_values(["score", "position"], ascending=[False, True]).iloc[0]
    return (
        winner,
        float(votes[winner] / votes.sum()),
        float(best["score"]),
        int(seen["index"].nunique()),
        *(int(best[key]) for key in ("source", "position", "rank")),
        *(None if pd.isna(time) else float(time) for time in (seen["time"].min(), seen["time"].max())),
        *_place(seen.dropna(subset=["latitude", "longitude"])),
    )


def _expected_frames(rows: pd.DataFrame) -> pd.Series:
    """In how many frames each track is there, if each score is the probability that its detection is right."""
    return rows.groupby(["track", "index"])["score"].max().groupby("track").sum()


def _accepted(seen: pd.DataFrame) -> pd.DataFrame:
    return seen[seen["verdict"] == "accepted"]


def _place(located: pd.DataFrame) -> tuple[float | None, float | None, float | None]:
    """Mean latitude and longitude, and the deviation in metres."""
    if located.empty:
        return None, None, None
    metres = local_metres(located["latitude"], located["longitude"])
    spread = float(np.sqrt(metres.var(axis=0).sum()))
    return float(located["latitude"].mean()), float(located["longitude"].mean()), round(spread, 3)
