"""Serve single frames for labelling: their boxes, drawing and naming boxes, and the frames that teach a model most."""

import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flask import Blueprint, abort

from sonar_debris.boxes import clip
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.frames import FrameReadError
from sonar_debris.survey.frame_labels import FrameBox
from sonar_debris.survey.inference import detection_records
from sonar_debris.survey.records import DetectionKey, DetectionRecord
from sonar_debris.survey.report.pictures import picture_name, write_picture
from sonar_debris.survey.report.writer import time_text
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.stored_frames import read_frame

VERDICTS = ("accepted", "rejected", "undecided")
MAX_CLASS_NAME_LENGTH = 100
# Shortest side of a drawn box in pixels.
MIN_SIDE = 2.0
# Number of frames that the page suggests.
SUGGESTIONS = 30


class BoxDecision(NamedTuple):
    """A decision on a box of a frame, as the page sends it.

    Attributes:
        rank: rank of the detection in its frame.
        verdict: one of `VERDICTS`.
        class_name: the class that the person chose.
    """

    rank: int
    verdict: str
    class_name: str


def is_class_name(name: object) -> bool:
    """Return whether a value is a short text, not empty, of characters that can be printed and stored."""
    return isinstance(name, str) and 0 < len(name.strip()) <= MAX_CLASS_NAME_LENGTH and name.strip().isprintable()


def create_frame_routes(
    report: Path,
    open_store: Callable[..., AbstractContextManager[SurveyStore]],
    read_json: Callable[[], object],
    numbers: Mapping[DetectionKey, int],
) -> Blueprint:
    """Return the routes below ``/labels``, on the frames of a survey.

    A frame has a ``version``. A request that changes it must name the version that it was made on; it is refused if
    another page or another run has changed the frame since.

    Args:
        report: the report's folder, which receives pictures of frames without detections.
        open_store: opens the survey's database; its argument is whether it is only read.
        read_json: returns the body of the request, or aborts it.
        numbers: number in the report of each detection that the report shows.

    Returns:
        The routes.
    """
    routes = Blueprint("labels", __name__, url_prefix="/labels")
    suggestions: list[tuple[int, int]] = []
    suggesting = threading.Lock()

    @routes.get("/<int:source>/<int:position>")
    def show(source: int, position: int) -> dict[str, Any]:
        with open_store(True) as store:
            _check_frame(store, source, position)
            reason = _ensure_picture(store, report, source, position)
            return _describe_frame(store, report, source, position, numbers) | {"reason": reason}

    @routes.post("/<int:source>/<int:position>/decisions")
    def decide(source: int, position: int) -> dict[str, Any]:
        content = _check_content(read_json())
        decisions = [_parse_decision(item) for item in _check_list(content.get("decisions"))]
        is_complete = content.get("complete")
        if not isinstance(is_complete, bool | None):
            abort(400, "complete must be true, false or null")
        with open_store() as store, store.transaction():
            boxes = _check_version(store, source, position, content)
            for decision in decisions:
                if decision.rank not in _ranks(store, source, position):
                    abort(409, "the frame has no such box; reload the page")
                key = DetectionKey(source, position, decision.rank)
                store.decide(key, decision.verdict, decision.class_name, whole_object=False)
            if is_complete:
                _complete(store, source, position, boxes)
            elif is_complete is False:
                store.complete_frame(source, position, False)
            return _describe_frame(store, report, source, position, numbers)

    @routes.post("/<int:source>/<int:position>/boxes")
    def draw(source: int, position: int) -> dict[str, Any]:
        content = _check_content(read_json())
        if not is_class_name(content.get("class")):
            abort(400, "not a valid class")
        replaced = content.get("replaces")
        with open_store() as store:
            boxes = _check_version(store, source, position, content)
            if replaced is not None and replaced not in [box.rank for box in boxes]:
                abort(400, "the box to replace does not exist")
            record = _place(store, source, position, _parse_box(content.get("box")), content["class"].strip())
            key = store.draw_box(source, position, record, replaced)
            return _describe_frame(store, report, source, position, numbers) | {"drawn": key.rank}

    @routes.get("/suggestions")
    def suggest() -> dict[str, Any]:
        from sonar_debris.survey.suggestion import suggest_frames

        with suggesting, open_store(True) as store:  # one at a time: it reads many frames
            if not suggestions and store.unreviewed_frames():
                frames = suggest_frames(store, SUGGESTIONS, on_error=lambda error: None)
                suggestions.extend((frame.source, frame.position) for frame in frames)
            reviewed = {(source, position) for source, position in suggestions} - {
                (frame.source, frame.position) for frame in store.unreviewed_frames()
            }
        return {
            "frames": [
                {"source": source, "position": position, "reviewed": (source, position) in reviewed}
                for source, position in suggestions
            ]
        }

    return routes


def _check_frame(store: SurveyStore, source: int, position: int) -> tuple[int, int]:
    """Return the rows and columns of a frame; abort the request with 404 if it was not read."""
    # SQLite's integers have 64 bits.
    query = "SELECT rows, cols FROM frame WHERE (source, position) = (?, ?) AND failure IS NULL"
    rows = store.read(query, [source, position]) if max(source, position) < 2**63 else []
    if not rows:
        abort(404, "the survey has no such frame")
    return rows[0]


def _ensure_picture(store: SurveyStore, report: Path, source: int, position: int) -> str | None:
    """Write the picture of a frame if the report lacks it; return why it cannot be made, or None."""
    path = report / picture_name(source, position)
    if path.is_file():
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, read_frame(store, source, position))
    except (FrameReadError, OSError) as error:
        return str(error)
    return None


def _describe_frame(
    store: SurveyStore, report: Path, source: int, position: int, numbers: Mapping[DetectionKey, int]
) -> dict[str, Any]:
    rows, cols = _check_frame(store, source, position)
    boxes, picture = store.frame_boxes(source, position), picture_name(source, position)
    query = "SELECT time FROM frame WHERE (source, position) = (?, ?)"
    return {
        "source": source,
        "position": position,
        "rows": rows,
        "cols": cols,
        "time": time_text(store.read(query, [source, position])[0][0]),
        "picture": picture if (report / picture).is_file() else None,
        "complete": store.is_complete(source, position),
        "version": _version(boxes, store.is_complete(source, position)),
        "boxes": [
            box._asdict() | {"number": numbers.get(DetectionKey(source, position, box.rank)), "class": box.class_name}
            for box in boxes
        ],
    }


def _version(boxes: list[FrameBox], is_complete: bool) -> int:
    """Return a number that changes when a box, a decision or the mark of the frame does."""
    return zlib.crc32(repr((boxes, is_complete)).encode())


def _check_version(store: SurveyStore, source: int, position: int, content: Mapping[str, Any]) -> list[FrameBox]:
    """Return the boxes of a frame; abort the request if it was not made on the frame as it is now."""
    _check_frame(store, source, position)
    boxes = store.frame_boxes(source, position)
    if content.get("version") != _version(boxes, store.is_complete(source, position)):
        abort(409, "the frame was changed in another page or by another run; open it again")
    return boxes


def _ranks(store: SurveyStore, source: int, position: int) -> set[int]:
    """Return the ranks of all detections of a frame, including drawn ones that were rejected."""
    query = "SELECT rank FROM detection WHERE (source, position) = (?, ?)"
    return {rank for (rank,) in store.read(query, [source, position])}


def _complete(store: SurveyStore, source: int, position: int, boxes: list[FrameBox]) -> None:
    """Accept the undecided boxes of a frame and mark it as complete; abort if one of its objects has no name."""
    for box in boxes:
        if box.class_name == UNKNOWN and box.verdict != "rejected":
            abort(400, "name the unknown objects first, or reject them")
    for box in boxes:
        if box.verdict == "undecided":
            key = DetectionKey(source, position, box.rank)
            store.decide(key, "accepted", box.class_name, whole_object=False)
    store.complete_frame(source, position)


def _place(store: SurveyStore, source: int, position: int, xyxy: np.ndarray, class_name: str) -> DetectionRecord:
    """Return a drawn box, clipped to its frame, with its place if the frame can still be read."""
    clipped = clip(xyxy[None], _check_frame(store, source, position))
    if (clipped[0, 2:] - clipped[0, :2]).min() < MIN_SIDE:
        abort(400, "the box is too small or outside of the frame")
    try:
        frame = read_frame(store, source, position)
    except FrameReadError:
        left, top, right, bottom = clipped[0].tolist()
        return DetectionRecord(left, top, right - left, bottom - top, class_name, 1.0, 1.0)
    drawn = Detections(clipped, np.ones(1, np.float32), np.zeros(1, int), np.ones(1, np.float32), (class_name,))
    return detection_records(frame, drawn)[0]


def _check_content(content: object) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        abort(400, "not a JSON object")
    return content


def _check_list(content: object) -> list[object]:
    if not isinstance(content, list) or len(content) > 1000:
        abort(400, "decisions must be a list")
    return content


def _parse_decision(content: object) -> BoxDecision:
    match content:
        case {"rank": int(rank), "verdict": str(verdict), "class": class_name}:
            if not isinstance(rank, bool) and verdict in VERDICTS and is_class_name(class_name):
                return BoxDecision(rank, verdict, class_name.strip())
    abort(400, "not a valid decision")


def _parse_box(content: object) -> np.ndarray:
    """Return ``(4,)`` float32 xyxy from left, top, width and height in pixels."""
    try:
        x, y, w, h = np.array(content, np.float64)
    except (ValueError, TypeError, OverflowError):
        abort(400, "the box must be left, top, width and height")
    if not np.isfinite([x, y, w, h]).all() or not 0 < w < 1e6 or not 0 < h < 1e6:
        abort(400, "the box must have a size")
    return np.array([x, y, x + w, y + h], np.float32)
