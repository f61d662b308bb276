"""The decisions that people make in review: on detections, on objects, and those that wait for their detections."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.survey.database import transaction
from sonar_debris.survey.queries import SurveyQueries
from sonar_debris.survey.records import Decision, DetectionKey

# Largest difference in pixels between two boxes of the same detection, computed on two machines.
SAME_BOX = 1.0
# In place of a rank: the decision comes from another survey; and the least IoU of its box with that of a detection.
ADOPTED, MIN_ADOPTED_IOU = -1, 0.5


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
    """The tables ``decision`` and ``set_aside_decision`` of a survey's database.

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

    def adopt_decisions(self, survey: SurveyQueries) -> int:
        """Set aside the last decisions of another survey; they are restored where detections overlap theirs.

        A survey that has frames or adopted decisions already adopts no others.

        Args:
            survey: an earlier survey of the same files, perhaps with another model.

        Returns:
            The number of decisions.
        """
        is_started = self.read("SELECT EXISTS (SELECT * FROM frame) OR EXISTS (SELECT * FROM set_aside_decision)")[0][0]
        if is_started:
            return 0
        query = """
            SELECT IFNULL(CAST(real_path AS TEXT), source.name), position, ? AS rank, x, y, w, h, verdict,
                reviewed_detection.class, decided, whole_object
            FROM reviewed_detection JOIN source ON source.id = source WHERE verdict != 'undecided'
        """
        columns = ["file", "position", "rank", "x", "y", "w", "h", "verdict", "class_name", "time", "whole_object"]
        rows = [dict(zip(columns, row, strict=True)) for row in survey.read(query, [ADOPTED])]
        with self.transaction():
            self._insert("set_aside_decision", rows)
        return len(rows)

    def count_adopted(self) -> int:
        """Return the number of adopted decisions that no detection has matched yet."""
        return int(self.read("SELECT COUNT(*) FROM set_aside_decision WHERE rank = ?", [ADOPTED])[0][0])

    def restore_decisions(self, source: int, position: int) -> None:
        """Restore the decisions that were set aside on the detections of a frame.

        Those of this survey are restored on the same box, those of another survey on the box that overlaps theirs most.

        Args:
            source: id of the source.
            position: position of the frame, whose detections were just added.
        """
        query = """
            SELECT set_aside_decision.id, rank, x, y, x + w, y + h, verdict, class, time, whole_object
            FROM set_aside_decision JOIN source ON file IN (source.name, CAST(source.real_path AS TEXT))
            WHERE source.id = ? AND position = ? ORDER BY set_aside_decision.id
        """
        decisions = self.read(query, [source, position])
        if not decisions:
            return
        query = "SELECT rank, x, y, x + w, y + h FROM detection WHERE (source, position) = (?, ?) ORDER BY rank"
        detections = np.array(self.read(query, [source, position]), float).reshape(-1, 5)
        matches = [(*_same_detection(detections, row[1], np.array(row[2:6])), row) for row in decisions]
        # The last decision on a detection counts: that on the box which overlaps it most.
        for overlap, rank, (number, *_, verdict, class_name, decided, whole_object) in sorted(
            matches, key=lambda match: match[0]
        ):
            if not overlap:
                continue
            key = {"source": source, "position": position, "rank": rank}
            decision = {"verdict": verdict, "class_name": class_name, "time": decided, "whole_object": whole_object}
            self._insert("decision", [key | decision])
            self._connection.execute("DELETE FROM set_aside_decision WHERE id = ?", [number])

    def count_set_aside(self, files: Iterable[str]) -> int:
        """Return the number of decisions on detections of files that were removed and not made again."""
        counts = dict(self.read("SELECT file, COUNT(*) FROM set_aside_decision GROUP BY file"))
        return sum(counts.get(file, 0) for file in files)

    def _insert(self, table: str, records: Sequence[Mapping[str, object]]) -> None:
        """Insert records that all have the same keys: columns of the table, and ``class_name`` for ``class``."""
        if not records:
            return
        columns = ", ".join(name.removesuffix("_name") if name == "class_name" else name for name in records[0])
        values = ", ".join(f":{name}" for name in records[0])
        self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", records)


def _same_detection(detections: np.ndarray, rank: int, xyxy: np.ndarray) -> tuple[float, int]:
    """Return the detection that a decision was made on.

    Args:
        detections: ``(N, 5)`` rank and xyxy box of each detection of the frame.
        rank: rank of the detection that the decision was made on, or `ADOPTED`.
        xyxy: ``(4,)`` its box.

    Returns:
        How much the boxes overlap (1 for the same box of this survey), and the rank; zeros if there is none.
    """
    if not len(detections):
        return 0.0, 0
    if rank == ADOPTED:
        overlaps = iou(detections[:, 1:], xyxy[None])[:, 0]
        best = int(overlaps.argmax())
        return (float(overlaps[best]), int(detections[best, 0])) if overlaps[best] >= MIN_ADOPTED_IOU else (0.0, 0)
    is_same = (detections[:, 0] == rank) & (np.abs(detections[:, 1:] - xyxy) < SAME_BOX).all(axis=1)
    return (1.0, rank) if is_same.any() else (0.0, 0)


def decision_values(decision: Decision) -> dict[str, object]:
    """Return a row of the table ``decision``."""
    values = decision._asdict()
    return values.pop("detection")._asdict() | values
