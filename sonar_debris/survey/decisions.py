"""The decisions that people make in review, on detections and on objects."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from sonar_debris.survey.database import transaction
from sonar_debris.survey.queries import SurveyQueries
from sonar_debris.survey.records import Decision, DetectionKey


class LastDecision(NamedTuple):
    """The last decision on a detection.

    Attributes:
        detection: key of the detection.
        verdict: ``accepted``, ``rejected`` or ``undecided``.
        class_name: the class that the person chose.
    """

    detection: DetectionKey
    verdict: str
    class_name: str


class DecisionStore(SurveyQueries):
    """The table ``decision`` of a survey's database.

    Decisions are on detections, never on objects, which are found again whenever frames or decisions are added: a
    decision on an object is one on each of its sightings, all with the same time and ``whole_object``.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all that is written within the context, or nothing if it raises; join the caller's transaction."""
        return transaction(self._connection)

    def decide(
        self, detection: DetectionKey, verdict: str, class_name: str, whole_object: bool | None = None
    ) -> list[DetectionKey]:
        """Add a person's decision on a detection or an object; earlier ones are kept, the last one counts.

        A decision on an object counts for all its sightings, and for those that later frames add. Duplicates, boxes
        that overlap a better box of an object, are rejected with the object, and also if it is accepted.

        Args:
            detection: key of the detection, one of the object's.
            verdict: ``accepted``, ``rejected``, or ``undecided`` to withdraw an earlier decision, which is withdrawn
                for all detections that it was made on.
            class_name: the class that the person chose.
            whole_object: whether the decision is on the object that the detection shows, if it shows one. By default a
                rejection and a new class are on the object if `objects` names it by this detection.

        Returns:
            The keys of the detections that the decision changed.
        """
        key = DetectionKey(*detection)
        with self.transaction():
            if whole_object is None:
                object_classes = self.read("SELECT class FROM object WHERE (source, position, rank) = (?, ?, ?)", key)
                whole_object = any(
                    verdict == "rejected" or (verdict == "accepted" and class_name != object_class)
                    for (object_class,) in object_classes
                )
            duplicates = {key: False}
            if whole_object:
                duplicates |= self._sightings_of_same_object(key)
            if verdict == "undecided":
                duplicates |= self._decided_together(key)
            now = time.time()
            decisions = [
                Decision(
                    key,
                    "rejected" if is_duplicate and verdict == "accepted" else verdict,
                    class_name,
                    now,
                    whole_object,
                )
                for key, is_duplicate in duplicates.items()
            ]
            self._insert("decision", [decision_values(decision) for decision in decisions])
        return list(duplicates)

    def _sightings_of_same_object(self, detection: DetectionKey) -> dict[DetectionKey, bool]:
        """Return the detections of the object that a detection shows, and whether each is a duplicate."""
        query = """
            SELECT source, position, rank, duplicate FROM sighting
            WHERE object = (SELECT object FROM sighting WHERE (source, position, rank) = (?, ?, ?))
        """
        return {DetectionKey(*key): bool(duplicate) for *key, duplicate in self.read(query, detection)}

    def _decided_together(self, detection: DetectionKey) -> dict[DetectionKey, bool]:
        """Return the detections whose last decision is the one on the object of a detection, without duplicates."""
        query = """
            SELECT source, position, rank FROM decision AS other
            WHERE whole_object AND time = (
                SELECT time FROM decision WHERE (source, position, rank) = (?, ?, ?) ORDER BY id DESC LIMIT 1
            ) AND id = (
                SELECT MAX(id) FROM decision
                WHERE (source, position, rank) = (other.source, other.position, other.rank)
            )
        """
        return {DetectionKey(*key): False for key in self.read(query, detection)}

    def count_decisions(self) -> int:
        """Return the number of detections that a person decided on, including those that were set aside."""
        query = """
            SELECT (SELECT COUNT(*) FROM (SELECT DISTINCT source, position, rank FROM decision))
                + (SELECT COUNT(*) FROM (SELECT DISTINCT file, position, rank FROM set_aside_decision))
        """
        return int(self.read(query)[0][0])

    def detection_boxes(self, detection: DetectionKey | None = None) -> dict[DetectionKey, tuple[float, ...]]:
        """Return detections by their keys, in the order of the survey; the report numbers detections so, from 0.

        Args:
            detection: key of a detection; then only this one is returned, if it exists.

        Returns:
            Key → left, top, width and height of the box in pixels.
        """
        condition = "" if detection is None else "WHERE (source, position, rank) = (?, ?, ?)"
        query = f"SELECT source, position, rank, x, y, w, h FROM detection {condition} ORDER BY source, position, rank"
        return {DetectionKey(*row[:3]): row[3:] for row in self.read(query, detection or ())}

    def last_decisions(self, detections: Sequence[DetectionKey] | None = None) -> list[LastDecision]:
        """Return the last decision on each detection that has any.

        Args:
            detections: keys of detections; by default all are returned, in the order of the survey.

        Returns:
            The decisions. The class of one that was withdrawn is the detector's.
        """
        query = """
            SELECT source, position, rank, verdict, class FROM reviewed_detection
            WHERE (source, position, rank) IN ({keys}) ORDER BY source, position, rank
        """
        if detections is None:
            rows = self.read(query.format(keys="SELECT source, position, rank FROM decision"))
        else:
            rows = [row for key in detections for row in self.read(query.format(keys="VALUES (?, ?, ?)"), key)]
        return [
            LastDecision(DetectionKey(source, position, rank), verdict, class_name)
            for source, position, rank, verdict, class_name in rows
        ]

    def _insert(self, table: str, records: Sequence[Mapping[str, object]]) -> None:
        """Insert records that all have the same keys: columns of the table, and ``class_name`` for ``class``."""
        if not records:
            return
        columns = ", ".join(name.removesuffix("_name") if name == "class_name" else name for name in records[0])
        values = ", ".join(f":{name}" for name in records[0])
        self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", records)


def decision_values(decision: Decision) -> dict[str, object]:
    """Return a row of the table ``decision``."""
    values = decision._asdict()
    return values.pop("detection")._asdict() | values
