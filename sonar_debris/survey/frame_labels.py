"""The labels of a frame in review: its detections, boxes that a person drew, and whether all objects are labelled."""

import time
from dataclasses import replace
from typing import NamedTuple

from sonar_debris.survey.decisions import DecisionStore
from sonar_debris.survey.queries import IS_COMPLETE
from sonar_debris.survey.records import DetectionKey, DetectionRecord


class FrameBox(NamedTuple):
    """A box of a frame in review.

    Attributes:
        rank: the detection's rank in its frame.
        x: left side in pixels; this and all that follow as in `DetectionRecord`.
        class_name: the class of the last decision, or else the detector's.
        origin: ``model``, ``evidence`` or ``person``.
        verdict: ``accepted``, ``rejected`` or ``undecided``.
    """

    rank: int
    x: float
    y: float
    w: float
    h: float
    class_name: str
    score: float
    range_m: float | None
    bearing_deg: float | None
    width_m: float | None
    range_extent_m: float | None
    latitude: float | None
    longitude: float | None
    origin: str
    verdict: str


class FrameLabelStore(DecisionStore):
    """Boxes that a person draws, and the table ``complete_frame`` of a survey's database.

    A drawn box is a detection with the score 1 that its author accepted. It is never changed: a box that is moved is
    rejected, and another one is drawn.
    """

    def frame_boxes(self, source: int, position: int) -> list[FrameBox]:
        """Return the boxes of a frame in the order of their ranks, without drawn ones that were rejected.

        Args:
            source: id of the source.
            position: position of the frame.

        Returns:
            One item per box; an empty list if the survey has no such frame.
        """
        query = """
            SELECT rank, x, y, w, h, class, score, range_m, bearing_deg, width_m, range_extent_m, latitude, longitude,
                origin, verdict FROM reviewed_detection
            WHERE (source, position) = (?, ?) AND NOT (origin = 'person' AND verdict = 'rejected') ORDER BY rank
        """
        return [FrameBox(*row) for row in self.read(query, [source, position])]

    def draw_box(self, source: int, position: int, box: DetectionRecord, replaced: int | None = None) -> DetectionKey:
        """Add a box that a person drew, and accept it.

        Args:
            source: id of the source.
            position: position of the frame.
            box: the box, its class, and its place.
            replaced: rank of the box that it replaces, which is rejected: it was moved or resized.

        Returns:
            The key of the new detection.
        """
        with self.transaction():
            key = self._add_box(source, position, replace(box, origin="person"))
            self.decide(key, "accepted", box.class_name, whole_object=False)
            if replaced is not None:
                self.decide(DetectionKey(source, position, replaced), "rejected", box.class_name, whole_object=False)
        return key

    def _add_box(self, source: int, position: int, box: DetectionRecord) -> DetectionKey:
        """Add a detection with the next free rank of its frame."""
        query = """
            SELECT IFNULL(MAX(rank) + 1, 0) FROM (
                SELECT rank FROM detection WHERE (source, position) = (?1, ?2)
                UNION ALL SELECT rank FROM candidate WHERE (source, position) = (?1, ?2)
            )
        """
        key = DetectionKey(source, position, self.read(query, [source, position])[0][0])
        self._insert("detection", [key._asdict() | vars(box)])
        return key

    def complete_frame(self, source: int, position: int, is_complete: bool = True) -> None:
        """Mark a frame: every object in it is labelled, or, if it has no boxes, there is none.

        Args:
            source: id of the source.
            position: position of the frame.
            is_complete: False to remove the mark.
        """
        names = "(SELECT name FROM source WHERE id = ?1 UNION SELECT CAST(real_path AS TEXT) FROM source WHERE id = ?1)"
        with self.transaction():
            self._connection.execute(
                f"DELETE FROM complete_frame WHERE position = ?2 AND file IN {names}", (source, position)
            )
            if is_complete:
                (name,) = self.read("SELECT name FROM source WHERE id = ?", [source])[0]
                self._insert("complete_frame", [{"file": name, "position": position, "time": time.time()}])

    def is_complete(self, source: int, position: int) -> bool:
        """Return whether a person marked a frame as completely labelled.

        Args:
            source: id of the source.
            position: position of the frame.

        Returns:
            True if the frame is marked.
        """
        query = f"""
            SELECT {IS_COMPLETE} FROM frame JOIN source ON source.id = frame.source
            WHERE (frame.source, frame.position) = (?, ?)
        """
        return bool(self.read(query, [source, position])[0][0])
