"""Serve the report of a survey as a page on which a person reviews detections; to this machine only."""

import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, Response, abort, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.database import DATABASE_FILE
from sonar_debris.survey.decisions import LastDecision
from sonar_debris.survey.explanation_routes import create_explanation_routes
from sonar_debris.survey.frame_review import VERDICTS, create_frame_routes, is_class_name
from sonar_debris.survey.report.writer import script
from sonar_debris.survey.store import SurveyStore

HOST = "127.0.0.1"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


class SentDecision(NamedTuple):
    """A decision as the page sends it.

    Attributes:
        detection: number of the detection, counted from 0 in the order of the survey.
        verdict: one of `VERDICTS`.
        class_name: the class that the person chose.
        whole_object: whether the decision is on the object that the detection shows; None as in `SurveyStore.decide`.
    """

    detection: int
    verdict: str
    class_name: str
    whole_object: bool | None


def create_app(folder: Path) -> Flask:
    """Return the application that serves a survey's report and stores decisions.

    Requests that other pages make in the person's browser are refused: by their Host, by their Origin, and because they
    lack the token, which only the served page knows.

    Args:
        folder: the survey's folder, with its report written.

    Raises:
        SonarDebrisError: the survey's database is damaged, locked or cannot be written.
    """
    report, token = (folder / "report").resolve(), secrets.token_urlsafe()
    app = Flask("sonar-debris", static_folder=None)
    app.config.update(TRUSTED_HOSTS=[HOST, "localhost"], MAX_CONTENT_LENGTH=10_000)
    with SurveyStore(folder) as store:
        store.check()
        # As the report numbers them. Detections that a running survey adds meanwhile do not change the numbers.
        boxes = store.detection_boxes()
    keys = list(boxes)
    numbers = {key: number for number, key in enumerate(keys)}

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    def describe(decisions: Iterable[LastDecision]) -> list[dict[str, object]]:
        return [
            {"detection": numbers[decision.detection], "verdict": decision.verdict, "class": decision.class_name}
            for decision in decisions
            if decision.detection in numbers
        ]

    @app.errorhandler(SonarDebrisError)
    def report_survey_error(error: SonarDebrisError) -> tuple[dict[str, str], int]:
        return {"error": str(error)}, 503  # the database is locked, damaged, read-only, or on a full disk

    @app.errorhandler(HTTPException)
    def report_refusal(error: HTTPException) -> tuple[dict[str, str | None], int]:
        return {"error": error.description}, error.code or 400

    def open_store(read_only: bool = False) -> SurveyStore:
        if not (folder / DATABASE_FILE).is_file():  # else an empty database would be created
            raise SonarDebrisError(f"{folder / DATABASE_FILE}: is gone; restore it and start the review again")
        return SurveyStore(folder, read_only)

    @app.get("/data/review.js")
    def session() -> Response:
        with open_store(read_only=True) as store:
            content = {"token": token, "count": len(keys), "decisions": describe(store.last_decisions())}
        return Response(script("setReview", content), mimetype="text/javascript")

    @app.before_request
    def refuse_other_pages() -> None:
        if request.method != "POST" or request.url_rule is None:  # no such page
            return
        if request.headers.get("Origin", request.host_url.rstrip("/")) != request.host_url.rstrip("/"):
            abort(403, "the request comes from another page")
        if not secrets.compare_digest(request.headers.get("X-Token", "").encode(), token.encode()):
            abort(403, "the page belongs to an earlier session; reload it")

    app.register_blueprint(create_frame_routes(report, open_store, _read_json, numbers))
    app.register_blueprint(create_explanation_routes(open_store))

    @app.post("/decisions")
    def decide() -> dict[str, object]:
        decision = _parse_decision(_read_json(), len(keys))
        key = keys[decision.detection]
        with open_store() as store:
            if store.detection_boxes(key) != {key: boxes[key]}:
                abort(409, "the survey was run again and its detections changed; start the review again")
            changed = store.decide(key, decision.verdict, decision.class_name, decision.whole_object)
            return {"decisions": describe(store.last_decisions(changed))}

    @app.get("/", defaults={"path": "index.html"})
    @app.get("/<path:path>")
    def page(path: str) -> Response:
        try:
            # A symbolic link could lead out of the folder.
            is_inside = (report / path).resolve().is_relative_to(report)
        except (OSError, ValueError):  # a name that no file can have
            is_inside = False
        if not is_inside:
            abort(404)
        return send_from_directory(report, path)

    return app


def _read_json() -> object:
    try:
        return request.get_json()
    except RecursionError:
        abort(400, "JSON is nested too deeply")


def _parse_decision(content: object, detections: int) -> SentDecision:
    """Return a valid decision on one of so many detections; abort the request with 400 if it is not one."""
    match content:
        case {"detection": int(number), "verdict": str(verdict), "class": str(class_name), **others}:
            whole_object: Any = others.get("object")
            is_valid = (
                not isinstance(number, bool)
                and 0 <= number < detections
                and verdict in VERDICTS
                and isinstance(whole_object, bool | None)
                and is_class_name(class_name)
            )
            if is_valid:
                return SentDecision(number, verdict, class_name.strip(), whole_object)
    abort(400, "not a valid decision")


@contextmanager
def open_server(app: Flask, port: int) -> Iterator[BaseWSGIServer]:
    """Open a server that listens on 127.0.0.1.

    Args:
        app: the application to serve.
        port: the port, or 0 for any free one.

    Yields:
        The server.

    Raises:
        OSError: the port is in use.
    """
    with socket.create_server((HOST, port)) as listening:
        port = listening.getsockname()[1]
        server = make_server(HOST, port, app, threaded=True, fd=listening.fileno())
        try:
            yield server
        finally:
            server.server_close()
