"""Find the objects of a survey: track its detections, drop clutter, and describe each object once."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sonar_debris.detections import UNKNOWN
from sonar_debris.frames.geometry import mean_position
from sonar_debris.survey.evidence import find_evidence, sum_evidence
from sonar_debris.survey.records import Decision, DetectionKey, ObjectRecord, Sighting
from sonar_debris.survey.sequences import FrameSequence, group_sequences
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.suppression import assign_duplicates, suppress_duplicates
from sonar_debris.survey.tracking import join_echo_and_shadow, local_metres, track

# A track whose scores sum to less than this is dropped as clutter. If a score is the probability that its detection is
# right, the sum is the expected number of frames that show an object.
MIN_FRAMES = 5
# An object is `UNKNOWN` if the scores of its class sum to less than this share of its objectness: the detector is sure
# that it is an object, not which one. On real objects of unseen layouts (five folds, 72 objects) this keeps 68 of 70
# right names and drops one of two wrong ones.
MIN_NAME_CONFIDENCE = 0.65


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
        store.replace_objects(state, results.objects, results.sightings, results.decisions, results.evidence)
    return store.count_objects()


class _Results(NamedTuple):
    """The objects of a survey, and what shows them.

    Attributes:
        objects: the objects.
        sightings: the detections that show them.
        decisions: decisions on objects that are extended to new sightings.
        evidence: candidates that are sightings.
    """

    objects: list[ObjectRecord]
    sightings: list[Sighting]
    decisions: list[Decision]
    evidence: list[DetectionKey]


def _compute_objects(store: SurveyStore) -> _Results:
    results = _Results([], [], [], [])
    for sequence in group_sequences(store.tracked_sources()):
        all_detections = _load_detections(store, sequence)
        detections = suppress_duplicates(all_detections)
        if sequence.is_tracked:
            object_ids = _assign_objects(detections)
        else:
            object_ids = pd.Series(np.arange(len(detections)), index=detections.index)
        duplicates = dict(iter(assign_duplicates(all_detections, object_ids).groupby("object")))
        for object_id, members in detections.groupby(object_ids):
            members_duplicates = duplicates.get(object_id, all_detections[:0])
            members = _extend_decision(members, members_duplicates, results.decisions)
            valid = members[members["verdict"] != "rejected"]
            if len(valid):
                _add_object(results, valid, members_duplicates)
        if sequence.is_tracked:
            candidates = _load_candidates(store, sequence, first_label=len(all_detections))
            for _, members in find_evidence(detections, object_ids, candidates).groupby("track"):
                _add_object(results, members, all_detections[:0])
                results.evidence.extend(_keys(members[members.index >= len(all_detections)]))
    return results


def _add_object(results: _Results, members: pd.DataFrame, duplicates: pd.DataFrame) -> None:
    record = _describe_object(len(results.objects) + 1, members)
    results.objects.append(record)
    results.sightings.extend(Sighting(*key, record.id, False) for key in _keys(members))
    results.sightings.extend(Sighting(*key, record.id, True) for key in _keys(duplicates))


def _keys(detections: pd.DataFrame) -> list[DetectionKey]:
    return [DetectionKey(*key) for key in detections[["source", "position", "rank"]].to_numpy().tolist()]


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
    """Return the detections of a sequence in the order of its frames, with row numbers as index labels."""
    detections = _in_sequence(store.detections_to_track(list(sequence.first_indices)), sequence)
    # Until a person names it, tracking considers what the detector called it, also if the object was unknown.
    is_undecided = detections["verdict"] == "undecided"
    return detections.assign(**{"class": detections["class"].mask(is_undecided, detections["detected_class"])})


def _load_candidates(store: SurveyStore, sequence: FrameSequence, first_label: int) -> pd.DataFrame:
    """Return the candidates of a sequence like its detections, with index labels that continue those of these."""
    candidates = _in_sequence(store.candidates_to_track(list(sequence.first_indices)), sequence)
    return candidates.set_axis(pd.RangeIndex(first_label, first_label + len(candidates)))


def _in_sequence(detections: pd.DataFrame, sequence: FrameSequence) -> pd.DataFrame:
    """Add the ``index`` of the frames, by which detections are sorted; make impossible positions unknown."""
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
    is_object = is_accepted | (detections["track"].map(sum_evidence(detections)) >= MIN_FRAMES)
    candidates = detections[is_object]
    object_ids = candidates["track"].where(is_accepted, join_echo_and_shadow(candidates))
    return object_ids.reindex(detections.index)


def _accepted(detections: pd.DataFrame) -> pd.DataFrame:
    return detections[detections["verdict"] == "accepted"]


def _decided_as_object(detections: pd.DataFrame) -> pd.DataFrame:
    """Return the detections whose last decision is on the object; those of one decision have the same ``decided``."""
    return detections[detections["whole_object"].astype(bool) & (detections["verdict"] != "undecided")]


def _describe_object(number: int, members: pd.DataFrame) -> ObjectRecord:
    """Describe an object by its detections."""
    voters = _voters(members)
    votes = voters.groupby("class")["score"].sum()
    class_name = _name_object(voters, votes)
    of_class = members if class_name not in votes else members[members["class"] == class_name]
    best = of_class.sort_values(["score", "position"], ascending=[False, True]).iloc[0]
    latitude, longitude, position_scatter_m = _mean_position(members.dropna(subset=["latitude", "longitude"]))
    return ObjectRecord(
        id=number,
        class_name=class_name,
        agreement=float(votes.get(class_name, 0.0) / votes.sum()),
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


def _voters(members: pd.DataFrame) -> pd.DataFrame:
    """Return the detections that name an object: what a person accepted outweighs the detector."""
    accepted = _accepted(members)
    return accepted if len(accepted) else members


def _name_object(voters: pd.DataFrame, votes: pd.Series) -> str:
    """Return the class with the most votes, or `UNKNOWN` if the detector is not sure of it in many frames."""
    known_votes = votes.drop(UNKNOWN, errors="ignore")
    if known_votes.empty:
        return UNKNOWN
    is_judged = len(voters) >= MIN_FRAMES and not len(_accepted(voters))
    is_unsure = known_votes.max() < MIN_NAME_CONFIDENCE * voters["objectness"].sum()
    return UNKNOWN if is_judged and is_unsure else str(known_votes.idxmax())


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
