"""The report as a page on which a person judges detections; served to this machine only."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory
from werkzeug.serving import BaseWSGIServer, make_server

from sonar_debris.survey.report.data import script
from sonar_debris.survey.store import SurveyStore

HOST = "127.0.0.1"
VERDICTS = ("accepted", "rejected", "undecided")
MAX_NAME = 100
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
KEYS = "SELECT source, position, rank FROM detection ORDER BY source, position, rank"
DECIDED = "SELECT source, position, rank, verdict, class FROM judged WHERE (source, position, rank) IN \
(SELECT source, position, rank FROM decision)"


def create_app(folder: Path) -> Flask:
    """The application that serves a survey's report and stores decisions.

    Requests that other pages make in the person's browser are refused: by their Host, their Origin, and for want of the
    token that only the served page knows.

    Args:
        folder: of the survey, its report written.
    """
    report, token = (folder / "report").resolve(), secrets.token_urlsafe()
    app = Flask("sonar-debris", static_folder=None)
    app.config.update(TRUSTED_HOSTS=[HOST, "localhost"], MAX_CONTENT_LENGTH=10_000)
    with SurveyStore(folder) as store:
        # As the report numbers them; a survey that goes on meanwhile does not change that.
        keys = store.read(KEYS)
    numbers = {key: number for number, key in enumerate(keys)}

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.get("/data/review.js")
    def session() -> Response:
        with SurveyStore(folder) as store:
            decided = store.read(DECIDED)
        decisions = [
            (numbers[source, position, rank], verdict, name)
            for source, position, rank, verdict, name in decided
            if (source, position, rank) in numbers
        ]
        return Response(script("review", {"token": token, "decisions": decisions}), mimetype="text/javascript")

    @app.post("/decisions")
    def decide() -> tuple[str, int]:
        if request.headers.get("Origin", request.host_url.rstrip("/")) != request.host_url.rstrip("/"):
            abort(403, "another page asked")
        if not secrets.compare_digest(request.headers.get("X-Token", "").encode(), token.encode()):
            abort(403, "the page is of an earlier session; load it again")
        number, verdict, name = _read(request.get_json(), len(keys))
        with SurveyStore(folder) as store:
            store.decide(keys[number], verdict, name)
        return "", 204

    @app.get("/", defaults={"path": "index.html"})
    @app.get("/<path:path>")
    def page(path: str) -> Response:
        # A link could lead out of the folder.
        if not (report / path).resolve().is_relative_to(report):
            abort(404)
        return send_from_directory(report, path)

    return app


def _read(decision: object, count: int) -> tuple[int, str, str]:
    """The number of a detection, the verdict and the class of a decision; 400 if it is none."""
    match decision:
        case {"detection": int(number), "verdict": str(verdict), "class": str(name)}:
            if 0 <= number < count and verdict in VERDICTS and 0 < len(name.strip()) <= MAX_NAME:
                return number, verdict, name.strip()
    abort(400, "no decision")


@contextmanager
def open_server(app: Flask, port: int) -> Iterator[BaseWSGIServer]:
    """A server that listens on 127.0.0.1.

    Args:
        app: what to serve.
        port: 0 for any that is free.

    Raises:
        OSError: the port is taken.
    """
    with socket.create_server((HOST, port)) as listening:
        port = listening.getsockname()[1]
        server = make_server(HOST, port, app, threaded=True, fd=listening.fileno())
        try:
            yield server
        finally:
            server.server_close()
