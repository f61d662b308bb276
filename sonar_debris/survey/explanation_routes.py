"""Serve pictures that explain the detections of a survey; the page of `survey review` shows them."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from flask import Blueprint, Response, abort

from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.stored_frames import read_frame


def create_explanation_routes(open_store: Callable[..., AbstractContextManager[SurveyStore]]) -> Blueprint:
    """Return the route ``/why/SOURCE/POSITION/RANK.png``.

    The survey's model is loaded with the first explanation. One is computed at a time; it takes seconds.

    Args:
        open_store: opens the survey's database; its argument is whether it is only read.

    Returns:
        The routes.
    """
    routes = Blueprint("why", __name__, url_prefix="/why")
    detectors: dict[str, DebrisDetector] = {}
    explaining = threading.Lock()

    @routes.get("/<int:source>/<int:position>/<int:rank>.png")
    def show(source: int, position: int, rank: int) -> Response:
        from sonar_debris.detectors.single_pass.explanation import write_explanation

        if max(source, position, rank) >= 2**63:  # SQLite's integers have 64 bits
            abort(404, "the survey has no such detection")
        with explaining, open_store(True) as store, TemporaryDirectory() as folder:
            boxes = [box for box in store.frame_boxes(source, position) if box.rank == rank]
            if not boxes:
                abort(404, "the survey has no such detection")
            frame = read_frame(store, source, position)
            model = str(store.settings().get("model", DEFAULT_MODEL))
            if model not in detectors:
                detectors[model] = DebrisDetector.from_pretrained(model)
            (box,) = boxes
            xyxy = np.array([box.x, box.y, box.x + box.w, box.y + box.h], np.float32)
            path = Path(folder) / "why.png"
            write_explanation(path, detectors[model], frame, xyxy, box.class_name)
            return Response(path.read_bytes(), mimetype="image/png")

    return routes
