"""Decisions that wait for their detections: those on files that are processed again, and those of another survey."""

from collections.abc import Iterable

import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.survey.frame_labels import FrameLabelStore
from sonar_debris.survey.queries import SurveyQueries
from sonar_debris.survey.records import DetectionRecord

# Largest difference in pixels between two boxes of the same detection, computed on two machines.
SAME_BOX = 1.0
# In place of a rank: the decision comes from another survey; and the least IoU of its box with that of a detection.
ADOPTED, MIN_ADOPTED_IOU = -1, 0.5

_ADOPTED_DECISIONS = """
SELECT IFNULL(CAST(real_path AS TEXT), source.name) AS file, position, ? AS rank, x, y, w, h, verdict,
    reviewed_detection.class AS class_name, decided AS time, whole_object, origin
FROM reviewed_detection JOIN source ON source.id = source
WHERE verdict != 'undecided' AND NOT (origin = 'person' AND verdict = 'rejected')
"""

_ADOPTED_FRAMES = """
SELECT DISTINCT IFNULL(CAST(real_path AS TEXT), source.name) AS file, position, time
FROM complete_frame JOIN source ON file IN (source.name, CAST(source.real_path AS TEXT))
"""


class RestoredDecisionStore(FrameLabelStore):
    """The table ``set_aside_decision`` of a survey's database."""

    def adopt_decisions(self, survey: SurveyQueries) -> int:
        """Set aside the last decisions of another survey; they are restored where detections overlap theirs.

        Frames that were marked as complete are marked here, too. A survey that has frames or adopted decisions already
        adopts no others.

        Args:
            survey: an earlier survey of the same files, perhaps with another model.

        Returns:
            The number of decisions.
        """
        is_started = self.read("SELECT EXISTS (SELECT * FROM frame) OR EXISTS (SELECT * FROM set_aside_decision)")[0][0]
        if is_started:
            return 0
        decisions = survey.records(_ADOPTED_DECISIONS, [ADOPTED])
        with self.transaction():
            self._insert("set_aside_decision", decisions)
            self._connection.execute("DELETE FROM complete_frame")
            self._insert("complete_frame", survey.records(_ADOPTED_FRAMES))
        return len(decisions)

    def count_adopted(self) -> int:
        """Return the number of adopted decisions that no detection has matched yet."""
        return int(self.read("SELECT COUNT(*) FROM set_aside_decision WHERE rank = ?", [ADOPTED])[0][0])

    def count_set_aside(self, files: Iterable[str]) -> int:
        """Return the number of decisions on detections of files that were removed and not made again."""
        counts = dict(self.read("SELECT file, COUNT(*) FROM set_aside_decision GROUP BY file"))
        return sum(counts.get(file, 0) for file in files)

    def restore_decisions(self, source: int, position: int) -> None:
        """Restore the decisions that were set aside on the detections of a frame.

        Those of this survey are restored on the same box, those of another survey on the box that overlaps theirs most.
        A decision that only a candidate fits makes it a detection. A box that a person drew is drawn again if no
        undecided detection fits it.

        Args:
            source: id of the source.
            position: position of the frame, whose detections and candidates were just added.
        """
        query = """
            SELECT set_aside_decision.id, rank, x, y, x + w, y + h, verdict, class, time, whole_object, origin
            FROM set_aside_decision JOIN source ON file IN (source.name, CAST(source.real_path AS TEXT))
            WHERE source.id = ? AND position = ? ORDER BY set_aside_decision.id
        """
        rows = self.read(query, [source, position])
        if not rows:
            return
        detections = self._boxes("detection", source, position)
        decided = self._restore_on_detections(
            source, position, [row for row in rows if row[-1] != "person"], detections
        )
        free = detections[~np.isin(detections[:, 0], list(decided))]
        self._restore_drawn(source, position, [row for row in rows if row[-1] == "person"], free)

    def _boxes(self, table: str, source: int, position: int) -> np.ndarray:
        """Return ``(N, 5)`` rank and xyxy box of each row of a frame."""
        query = f"SELECT rank, x, y, x + w, y + h FROM {table} WHERE (source, position) = (?, ?) ORDER BY rank"
        return np.array(self.read(query, [source, position]), float).reshape(-1, 5)

    def _restore_on_detections(self, source: int, position: int, rows: list[tuple], detections: np.ndarray) -> set[int]:
        """Restore decisions on detections of the model, and return the ranks of those detections."""
        candidates = self._boxes("candidate", source, position)
        matches = []
        for row in rows:
            _, rank, *xyxy, verdict, _, _, _, origin = row
            overlap, match = _same_detection(detections, rank, np.array(xyxy))
            if not overlap and (verdict == "accepted" or origin == "evidence"):
                overlap, match = _same_detection(candidates, rank, np.array(xyxy))
                if overlap:
                    self.promote_candidate(source, position, match)
            matches.append((overlap, match, row))
        # The last decision on a detection counts: that on the box which overlaps it most.
        for overlap, match, row in sorted(matches, key=lambda match: match[0]):
            if overlap:
                self._restore(source, position, match, row)
        return {match for overlap, match, _ in matches if overlap}

    def promote_candidate(self, source: int, position: int, rank: int) -> None:
        """Make a candidate a detection of origin ``evidence``, with the same key.

        Args:
            source: id of the source.
            position: position of the frame.
            rank: rank of the candidate in its frame.
        """
        columns = "source, position, rank, x, y, w, h, class, score, objectness, "
        columns += "range_m, bearing_deg, width_m, range_extent_m, latitude, longitude"
        self._connection.execute(
            f"""
            INSERT OR IGNORE INTO detection ({columns}, origin)
            SELECT {columns}, 'evidence' FROM candidate WHERE (source, position, rank) = (?, ?, ?)
            """,
            (source, position, rank),
        )

    def _restore_drawn(self, source: int, position: int, rows: list[tuple], free: np.ndarray) -> None:
        """Restore drawn boxes that were not rejected, on undecided detections that fit them or as they were drawn."""
        for row in {(row[1], *row[2:6]): row for row in rows}.values():  # the last decision on each box
            number, _, left, top, right, bottom, verdict, class_name, *_ = row
            if verdict != "accepted":
                continue
            overlap, match = _same_detection(free, ADOPTED, np.array([left, top, right, bottom]))
            if overlap:
                free = free[free[:, 0] != match]
            else:
                box = DetectionRecord(left, top, right - left, bottom - top, class_name, 1.0, 1.0, origin="person")
                match = self._add_box(source, position, box).rank
            self._restore(source, position, match, row)
        self._connection.executemany("DELETE FROM set_aside_decision WHERE id = ?", [row[:1] for row in rows])

    def _restore(self, source: int, position: int, rank: int, row: tuple) -> None:
        number, *_, verdict, class_name, decided, whole_object, _ = row
        key = {"source": source, "position": position, "rank": rank}
        decision = {"verdict": verdict, "class_name": class_name, "time": decided, "whole_object": whole_object}
        self._insert("decision", [key | decision])
        self._connection.execute("DELETE FROM set_aside_decision WHERE id = ?", [number])


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
