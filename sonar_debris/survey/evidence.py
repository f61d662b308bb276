"""Find objects of which no single detection is sure: those whose low scores sum to enough over many frames."""

import pandas as pd

from sonar_debris.survey.suppression import overlaps_any, suppress_duplicates
from sonar_debris.survey.tracking import join_echo_and_shadow, track

# A track of detections that show no object yet is an object if its scores sum to at least this. On simulated dives
# (``simulate --dive``, seeds 31 to 34, two of them with new shapes) and with the shipped model, 8 to 15 find the same
# objects, none of them false; see docs/survey.md.
MIN_EVIDENCE = 10.0


def sum_evidence(detections: pd.DataFrame) -> pd.Series:
    """Sum the scores of each track: the expected number of frames that show it, if scores are probabilities.

    Args:
        detections: one row per detection: its ``track``, the ``index`` of its frame, its ``score``.

    Returns:
        Track → sum over its frames of the highest score.
    """
    return detections.groupby(["track", "index"])["score"].max().groupby("track").sum()


def find_evidence(detections: pd.DataFrame, object_ids: pd.Series, candidates: pd.DataFrame) -> pd.DataFrame:
    """Find further objects among the detections of a sequence that show none, and its candidates.

    They are tracked together with the sightings of the objects that are known: what continues one of these, or touches
    it as its echo or shadow does, is no further object.

    Args:
        detections: the detections of the sequence, in the order of its frames, without duplicates.
        object_ids: object of each detection, by its index label; NaN for those that show none.
        candidates: detections that score too low to be reported, with the same columns and other index labels.

    Returns:
        The detections and candidates that show further objects; the column ``track`` is the same for all of an object.
    """
    is_sighting = object_ids.reindex(detections.index).notna()
    leftovers = _concat(detections[~is_sighting & (detections["verdict"] == "undecided")], candidates)
    leftovers = suppress_duplicates(leftovers[~overlaps_any(leftovers, detections[is_sighting])])
    if leftovers.empty:
        return leftovers.assign(track=pd.Series(dtype=int))
    together = _concat(detections[is_sighting], leftovers).sort_values("index", kind="stable")
    together["track"] = track(together)
    known = together.loc[detections.index[is_sighting], "track"].unique()
    evidence = sum_evidence(together)
    wholes = join_echo_and_shadow(together).unique()
    further = evidence.index[(evidence >= MIN_EVIDENCE) & evidence.index.isin(wholes) & ~evidence.index.isin(known)]
    return together[together["track"].isin(further)]


def _concat(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Concatenate tables; one without rows does not change the types of the other's columns."""
    parts = [part for part in (first, second) if len(part)]
    return pd.concat(parts) if parts else first
