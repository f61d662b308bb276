"""From the detections of a survey to its objects: each counted once, however often it was seen."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from sonar_debris.detection.boxes import intersection_over_smaller, non_maximum_suppression
from sonar_debris.detection.detections import UNKNOWN
from sonar_debris.survey.echo_and_shadow import join_echo_and_shadow
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres, track

# Frames of a recording that an object has to be seen in: what is to be expected in fewer, by its scores, is clutter.
MIN_FRAMES = 5
# Of boxes in one frame of which one lies in the other by more than this share, the better stands for the object.
MAX_OVERLAP = 0.5
# Images without a time that are looked at together, though each is a sequence by itself.
TOGETHER = 1000
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
        rows = _without_doubles(store.table(DETECTIONS.format(",".join(map(str, sources)))))
        rows["index"] = rows["position"] if kind == "recording" else rows["source"]
        # What a single image shows is seen only once.
        numbers = np.arange(len(rows)) if kind == "single" else _follow(rows)
        for _, seen in rows.groupby(numbers):
            objects.append(_describe(seen))
            sightings += [(*key, len(objects)) for key in seen[["source", "position", "rank"]].to_numpy().tolist()]
    return [(number, *each) for number, each in enumerate(objects, start=1)], sightings


def _follow(rows: pd.DataFrame) -> pd.Series:
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
    yield from (("single", single[at : at + TOGETHER]) for at in range(0, len(single), TOGETHER))


def _without_doubles(detections: pd.DataFrame) -> pd.DataFrame:
    """Detections of which no two in a frame show the same: detection lets boxes of a part and of the whole stand."""
    x, y, w, h = detections[[*"xywh"]].to_numpy().T
    xyxy, score = np.column_stack([x, y, x + w, y + h]), detections["score"].to_numpy()
    kept = [np.zeros(0, int)]
    for rows in detections.groupby(["source", "position"], sort=False).indices.values():
        kept.append(rows[non_maximum_suppression(xyxy[rows], score[rows], MAX_OVERLAP, intersection_over_smaller)])
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
