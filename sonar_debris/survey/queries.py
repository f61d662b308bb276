"""Read queries on a survey's database, for reports, exports, review, summary and evaluation.

Detections that a person rejected are left out where a method says so. The class of a detection is that of the last
decision on it, or else the detector's.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from sonar_debris.frames.frame import FIRST_TIME
from sonar_debris.survey.rows import (
    ClassTotals,
    DetectionInFrame,
    ObjectDetection,
    ReviewedDetection,
    StoredFrame,
    UnreviewedFrame,
)

# Whether a person marked a frame of a source as complete.
IS_COMPLETE = """
EXISTS (
    SELECT * FROM complete_frame
    WHERE complete_frame.position = frame.position AND file IN (source.name, CAST(source.real_path AS TEXT))
)
"""

# Frames that were read, and whether they were reviewed completely; with the uncertainty of what is undecided.
_REVIEW_OF_FRAMES = f"""
SELECT frame.source, source.name AS file, frame.position, uncertainty,
    CASE WHEN undecided IS NULL THEN {IS_COMPLETE} ELSE undecided = 0 END AS is_reviewed
FROM frame JOIN source ON source.id = frame.source LEFT JOIN (
    SELECT source, position, SUM((verdict = 'undecided') * score * (1 - score)) AS uncertainty,
        SUM(verdict = 'undecided') AS undecided
    FROM reviewed_detection GROUP BY source, position
) AS reviewed USING (source, position)
WHERE frame.failure IS NULL ORDER BY frame.source, frame.position
"""


class SurveyQueries:
    """Read queries on a survey's database. "The order of the survey" is that of source, position and rank.

    Args:
        connection: an open connection to the database.
    """

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def read(self, query: str, parameters: Sequence = ()) -> list[tuple]:
        """Run a query, also one of your own, for analyses that no other method covers.

        Args:
            query: SQL, with ``?`` for parameters.
            parameters: their values.

        Returns:
            All rows.
        """
        return self._connection.execute(query, parameters).fetchall()

    def records(self, query: str, parameters: Sequence = ()) -> list[dict[str, Any]]:
        """Run a query.

        Args:
            query: as of `read`.
            parameters: as of `read`.

        Returns:
            One dictionary per row, by the names of the columns.
        """
        cursor = self._connection.execute(query, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _rows(self, query: str, parameters: Sequence = ()) -> Iterator[tuple]:
        """Yield the rows of a query one by one, for tables that do not fit in memory."""
        yield from self._connection.execute(query, parameters)

    def _table(self, query: str, parameters: Sequence = ()) -> pd.DataFrame:
        """Return the rows of a query as a table; missing numbers are NaN."""
        return pd.read_sql_query(query, self._connection, params=tuple(parameters))

    def class_totals(self) -> list[ClassTotals]:
        """Return the numbers of detections and objects by class, the class with the most objects first."""
        query = """
            SELECT class, detections, IFNULL(objects, 0), IFNULL(frames, 0), best_score
            FROM (SELECT class, COUNT(*) AS detections FROM reviewed_detection WHERE verdict != 'rejected'
                GROUP BY class)
            LEFT JOIN (SELECT class, COUNT(*) AS objects, SUM(frames) AS frames, MAX(score) AS best_score FROM object
                GROUP BY class) USING (class)
            ORDER BY IFNULL(objects, 0) DESC, class
        """
        return [ClassTotals(*row) for row in self.read(query)]

    def time_span(self) -> tuple[float | None, float | None]:
        """Return the times of the first and last frame in seconds since the epoch, without those of videos."""
        return self.read("SELECT MIN(time), MAX(time) FROM frame WHERE time >= ?", [FIRST_TIME])[0]

    def source_names(self) -> dict[int, str]:
        """Return the name of each source by its id, in the order of the ids."""
        return dict(self.read("SELECT id, name FROM source ORDER BY id"))

    def recordings(self) -> set[str]:
        """Return the names of the sources that have more than one frame, as far as they were read."""
        query = """
            SELECT name FROM source WHERE IFNULL(frames, (SELECT COUNT(*) FROM frame WHERE source = source.id)) > 1
        """
        return {name for (name,) in self.read(query)}

    def frames(self) -> list[StoredFrame]:
        """Return all frames, including failed ones, in the order of the survey."""
        query = """
            SELECT source.name AS file, position, rows, cols, frame.failure, time
            FROM frame JOIN source ON source.id = frame.source ORDER BY frame.source, position
        """
        return [StoredFrame(*row) for row in self.read(query)]

    def failed_sources(self) -> dict[str, str]:
        """Return by name why sources could not be read, or not to their end."""
        return dict(self.read("SELECT name, failure FROM source WHERE failure IS NOT NULL ORDER BY id"))

    def frames_with_detections(self) -> list[tuple[int, int]]:
        """Return source id and position of each frame that shows detections, in the order of the survey."""
        return self.read("SELECT DISTINCT source, position FROM detection ORDER BY source, position")

    def reviewed_frames(self) -> list[tuple[str, int]]:
        """Return file and position of the frames that were reviewed completely, in the order of the survey.

        These are the frames whose every detection was accepted or rejected, and those without detections that a person
        marked as complete.
        """
        query = f"SELECT file, position FROM ({_REVIEW_OF_FRAMES}) WHERE is_reviewed"
        return self.read(query)

    def frames_between_sightings(self, max_gap: int) -> set[tuple[str, int]]:
        """Return the frames in which an object was missed that was seen shortly before and after.

        Frames that a person marked as complete are not among them.

        Args:
            max_gap: largest number of successive frames in which it was missed.

        Returns:
            File and position of the frames.
        """
        gaps = """
            SELECT source, position + 1, next FROM (
                SELECT source, position, LEAD(position) OVER (PARTITION BY object, source ORDER BY position) AS next
                FROM sighting
            ) WHERE next BETWEEN position + 2 AND position + 1 + ?
        """
        names = self.source_names()
        missed = {
            (names[source], position)
            for source, start, stop in self.read(gaps, [max_gap])
            for position in range(start, stop)
        }
        complete = f"""
            SELECT source.name, frame.position FROM frame JOIN source ON source.id = frame.source WHERE {IS_COMPLETE}
        """
        return missed - set(self.read(complete))

    def unreviewed_frames(self) -> list[UnreviewedFrame]:
        """Return the frames that were not reviewed completely, in the order of the survey."""
        query = f"""
            SELECT source, file, position, IFNULL(uncertainty, 0) FROM ({_REVIEW_OF_FRAMES}) WHERE NOT is_reviewed
        """
        return [UnreviewedFrame(*row) for row in self.read(query)]

    def object_detections(self) -> list[ObjectDetection]:
        """Return the detections that show objects, in the order of the survey."""
        query = """
            SELECT source.name AS file, position, x, y, x + w, y + h, object
            FROM sighting JOIN detection USING (source, position, rank) JOIN source ON source.id = detection.source
            WHERE NOT duplicate ORDER BY detection.source, position, rank
        """
        return [
            ObjectDetection(file, position, (left, top, right, bottom), number)
            for file, position, left, top, right, bottom, number in self.read(query)
        ]

    def detections_table(self) -> pd.DataFrame:
        """Return all detections but rejected ones, in the order of the survey.

        Returns:
            One row per detection, with the columns file, frame, time, x, y, w, h, class, score, objectness, range_m,
            bearing_deg, width_m, range_extent_m, latitude, longitude, object (Int64, missing for clutter) and verdict.
        """
        query = """
            SELECT source.name AS file, reviewed_detection.position AS frame, frame.time, x, y, w, h, class, score,
                objectness, range_m, bearing_deg, width_m, range_extent_m, reviewed_detection.latitude,
                reviewed_detection.longitude, sighting.object, verdict
            FROM reviewed_detection JOIN source ON source.id = reviewed_detection.source
                JOIN frame USING (source, position)
                LEFT JOIN (SELECT * FROM sighting WHERE NOT duplicate) AS sighting USING (source, position, rank)
            WHERE verdict != 'rejected' ORDER BY reviewed_detection.source, position, rank
        """
        return self._table(query).astype({"object": "Int64"})

    def objects_table(self) -> pd.DataFrame:
        """Return all objects.

        Returns:
            One row per object, with the columns object, class, agreement, score, frames, file and frame (of the
            detection with the highest score), first_time, last_time, latitude, longitude and position_scatter_m.
        """
        query = """
            SELECT object.id AS object, class, agreement, score, object.frames, source.name AS file, position AS frame,
                first_time, last_time, latitude, longitude, position_scatter_m
            FROM object JOIN source ON source.id = object.source ORDER BY object.id
        """
        return self._table(query)

    def timeline_table(self) -> pd.DataFrame:
        """Return when each detection was made, without rejected ones, in the order of the survey.

        Returns:
            One row per detection, with the columns class, time (seconds since the epoch; NaN if unknown) and
            frame_number (of the frame in the survey, from 1).
        """
        query = """
            SELECT class, time, frame_number FROM reviewed_detection JOIN (
                SELECT source, position, time, ROW_NUMBER() OVER (ORDER BY source, position) AS frame_number FROM frame
            ) USING (source, position)
            WHERE verdict != 'rejected' ORDER BY source, position, rank
        """
        return self._table(query)

    def object_positions_table(self) -> pd.DataFrame:
        """Return where the objects lie.

        Returns:
            One row per object, with the columns class, latitude, longitude, and range_m and bearing_deg of its best
            detection; NaN if unknown.
        """
        query = """
            SELECT object.class, object.latitude, object.longitude, range_m, bearing_deg
            FROM object JOIN detection USING (source, position, rank) ORDER BY object.id
        """
        return self._table(query)

    def reviewed_detections(self) -> list[ReviewedDetection]:
        """Return all detections, including rejected ones, in the order of the survey."""
        query = "SELECT source, class, score, verdict FROM reviewed_detection ORDER BY source, position, rank"
        return [ReviewedDetection(*row) for row in self.read(query)]

    def detections_in_frames(self) -> Iterator[DetectionInFrame]:
        """Yield all detections, including rejected ones, with their frames, in the order of the survey."""
        query = """
            SELECT source, position, frame.rows, frame.cols, frame.time, x, y, w, h, range_m, bearing_deg, width_m,
                range_extent_m, detection.latitude, detection.longitude
            FROM detection JOIN frame USING (source, position) ORDER BY source, position, rank
        """
        return (DetectionInFrame(*row) for row in self._rows(query))

    def best_detections(self) -> dict[int, int]:
        """Return for the best detection of each object the number of frames that show the object.

        Returns:
            Number of the detection, counted from 0 in the order of the survey → number of frames.
        """
        query = """
            SELECT number, frames FROM object JOIN (
                SELECT source, position, rank, ROW_NUMBER() OVER (ORDER BY source, position, rank) - 1 AS number
                FROM detection
            ) USING (source, position, rank) ORDER BY object.id
        """
        return dict(self.read(query))
