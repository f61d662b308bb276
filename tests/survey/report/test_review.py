import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from functools import partial

import pytest
from click.testing import CliRunner

pytest.importorskip("supervision", reason="the extra export is not installed")

from sonar_debris.commands.main import main
from sonar_debris.datasets.labels import read_labels
from sonar_debris.survey.records import DetectionRecord, FrameRecord
from sonar_debris.survey.review import create_app, open_server
from sonar_debris.survey.store import SurveyStore

DECISION = {"detection": 3, "verdict": "accepted", "class": "hook"}


def run(*words):
    return CliRunner().invoke(main, ["survey", *map(str, words)])


@pytest.fixture
def app(night):
    assert run("report", night).exit_code == 0
    return create_app(night)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def token(client):
    return read_token(client)


def write_survey(folder):
    """Write a survey of a recording that shows a bottle and a tire in 85 frames each, and its report."""
    folder.mkdir()
    with SurveyStore(folder) as store:
        source = store.add_sources(["dive.aris"])["dive.aris"]
        with store.transaction():
            for position in range(85):
                boxes = [
                    DetectionRecord(x, 20.0, 9.0, 9.0, name, 0.8, 0.9) for x, name in ((10, "bottle"), (60, "tire"))
                ]
                store.add_frame(source, FrameRecord(position, 80, 100, 1e9 + position, detections=boxes))
            store.finish_source(source, None)
    manifest = {"model": "m", "min_score": 0.2, "version": "1", "classes": ["bottle", "tire"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run("report", folder).exit_code == 0
    return folder


def read_token(client):
    return re.search('"token": "([^"]+)"', client.get("/data/review.js").text)[1]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder, client and token of a survey that the tests leave as it is: a report takes seconds to write."""
    folder = write_survey(tmp_path_factory.mktemp("shared") / "night")
    client = create_app(folder).test_client()
    return folder, client, read_token(client)


def reviewed(night):
    """Return source, verdict and class of each reviewed detection."""
    with SurveyStore(night) as store:
        decisions = store.last_decisions()
    return [(item.detection.source, item.verdict, item.class_name) for item in decisions if item.verdict != "undecided"]


def test_decision_is_stored_and_restored(client, token, night):
    response = client.post("/decisions", json=DECISION, headers={"X-Token": token})
    assert response.status_code == 200 and response.json == {"decisions": [DECISION]}

    assert reviewed(night) == [(4, "accepted", "hook")]
    assert f'"decisions": [{json.dumps(DECISION)}]' in client.get("/data/review.js").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"X-Token": "guessed"}, 403),
        ({"X-Token": "guesséd"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_requests_of_other_pages_are_refused(shared, headers, status):
    night, client, token = shared
    response = client.post("/decisions", json=DECISION, headers={"X-Token": token} | headers)

    assert response.status_code == status and reviewed(night) == []


@pytest.mark.parametrize(
    "decision",
    [
        [],
        {"detection": 3},
        DECISION | {"detection": 170},
        DECISION | {"detection": -1},
        DECISION | {"detection": "3"},
        DECISION | {"verdict": "maybe"},
        DECISION | {"class": " "},
        DECISION | {"class": "x" * 101},
        *(DECISION | {key: value} for key in DECISION for value in (None, True, 1.5, 1e308, 2**70, [], {}, [[3]], "")),
        DECISION | {"object": "yes"},
        DECISION | {"object": 1},
        DECISION | {"class": "\ud800"},
        DECISION | {"class": "a\0b"},
        DECISION | {"class": "a\nb"},
        DECISION | {"verdict": "\udfff"},
    ],
)
def test_invalid_decisions_are_refused(shared, decision):
    night, client, token = shared
    assert client.post("/decisions", json=decision, headers={"X-Token": token}).status_code == 400
    assert reviewed(night) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b"NaN", 400),
        (b"[" * 5000, 400),
        (b'{"a":' * 1500 + b"1" + b"}" * 1500, 400),
        (b'{"detection": ' + b"9" * 5000 + b"}", 400),
        (b'{"detection": 1e999, "verdict": "accepted", "class": "can"}', 400),
        (b" " * 20_000, 413),
    ],
)
def test_broken_bodies_are_refused(shared, body, status):
    night, client, token = shared
    headers = {"X-Token": token, "Content-Type": "application/json"}

    response = client.post("/decisions", data=body, headers=headers)

    assert response.status_code == status and response.json["error"]
    assert reviewed(night) == []


@pytest.mark.parametrize("path", ["%00", "data/%00.js", "%ed%a0%80", "x" * 5000, "%2e%2e", "data/", "%ff", "a%0d%0ab"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_paths_that_do_not_exist_are_never_an_internal_error(shared, path, method):
    _, client, _ = shared
    with client.open(f"/{path}", method=method) as response:
        assert response.status_code in (200, 404, 405)


@pytest.mark.parametrize(
    "path", ["/", "/index.html?a=%00&%ff&%ed%a0%80", "/data/review.js?%", "/decisions?a[]=\0", "/data/none.js"]
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"Host": "[::1"}},
        {"headers": {"Host": "localhost:99999999"}},
        {"headers": {"Range": "bytes=9999999-1,x", "If-Modified-Since": "never", "If-None-Match": '"'}},
        {"headers": {"Content-Type": "application/json; charset=none", "Content-Length": "-1"}},
        {"headers": {"Content-Type": "multipart/form-data; boundary="}, "data": b"--\0\r\n" * 100},
        {"headers": {"Content-Type": "application/json", "Origin": "\x00", "X-Token": "\xff" * 5000}, "data": b"null"},
        {"headers": {"Cookie": "a=\xff; =;", "Accept-Encoding": "\xff"}, "data": b"x" * 20_000},
    ],
    ids=str,
)
def test_no_request_is_an_internal_error(shared, path, options):
    night, client, _ = shared
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"):
        with client.open(path, method=method, **options) as response:
            assert response.status_code < 500, method
    assert reviewed(night) == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xed\xa0\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET " + b"/x" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET //evil.example/../x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\0\r\n\r\n",
        b"POST /decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"POST /decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999999999999\r\n\r\n",
        b"POST /decisions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    ],
    ids=lambda request: repr(request[:60]),
)
def test_no_bytes_on_the_connection_stop_the_server(shared, served, request_bytes):
    with socket.create_connection(("127.0.0.1", served), timeout=10) as connection:
        connection.sendall(request_bytes)
        with suppress(OSError):  # the server may have closed the connection already
            connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()

    assert b" 500 " not in answer.split(b"\r\n")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{served}/data/review.js") as response:
        assert response.status == 200


@pytest.fixture(scope="module")
def served(shared):
    """The port of a server of the shared survey."""
    with open_server(create_app(shared[0]), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.port
        server.shutdown()
        thread.join()


def refused_decision(client, token):
    response = client.post("/decisions", json=DECISION, headers={"X-Token": token})
    return response.status_code, response.json["error"]


def test_a_locked_survey_is_reported(shared, monkeypatch):
    night, client, token = shared
    monkeypatch.setattr("sonar_debris.survey.database.LOCK_TIMEOUT", 0.1)
    lock = sqlite3.connect(night / "survey.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")

    status, error = refused_decision(client, token)

    assert status == 503 and "survey.sqlite" in error and "writes to it" in error
    assert client.get("/data/review.js").status_code == 200  # reading does not wait
    lock.close()


def test_a_survey_that_cannot_be_written_can_be_looked_at(shared, monkeypatch):
    def refuse(path):
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    _, client, token = shared
    monkeypatch.setattr("sonar_debris.survey.store.open_database", refuse)

    status, error = refused_decision(client, token)

    assert status == 503 and "make the file and its folder writable" in error
    assert client.get("/data/review.js").status_code == 200


def test_a_survey_that_is_gone_or_damaged_is_reported_and_not_made_again(shared, tmp_path):
    folder = tmp_path / "night"
    shutil.copytree(shared[0], folder)
    client = create_app(folder).test_client()
    token = read_token(client)
    database = (folder / "survey.sqlite").rename(tmp_path / "moved.sqlite")

    status, error = refused_decision(client, token)

    assert status == 503 and "is gone" in error and not (folder / "survey.sqlite").exists()
    assert client.get("/data/review.js").status_code == 503
    (folder / "survey.sqlite").write_bytes(b"\xff" * database.stat().st_size)
    for suffix in ("-wal", "-shm"):
        (folder / f"survey.sqlite{suffix}").unlink(missing_ok=True)
    status, error = refused_decision(client, token)
    assert status == 503 and "survey.sqlite" in error


def test_a_decision_on_a_detection_that_another_run_replaced_is_refused(shared, tmp_path):
    folder = tmp_path / "night"
    shutil.copytree(shared[0], folder)
    client = create_app(folder).test_client()
    token = read_token(client)
    with SurveyStore(folder) as store:
        store.read("UPDATE detection SET x = x + 1 WHERE position = 1")

    status, error = refused_decision(client, token)

    assert status == 409 and "start the review again" in error and reviewed(folder) == []


def test_reading_needs_the_right_host(client):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    with client.get("/") as response:
        assert response.status_code == 200


def test_nothing_outside_the_report_is_served(client, night):
    os.symlink(night / "survey.sqlite", night / "report" / "link")

    for path in ("../survey.sqlite", "..%2fsurvey.sqlite", "link", "%2fetc%2fpasswd", "data/../../manifest.json"):
        assert client.get("/" + path).status_code == 404, path


def test_server_listens_on_this_machine_only(app):
    with open_server(app, 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"
        with pytest.raises(OSError, match="Address already in use"), open_server(app, server.port):
            pass


@pytest.fixture
def opened(page, app):
    with open_server(app, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.wait_for_selector(".card")
        yield page
        server.shutdown()
        thread.join()


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_detections_are_reviewed_with_the_keyboard(opened, night):
    # The highest score is that of source 70; a decision selects the next card.
    press(opened, "ArrowRight", "r")
    opened.wait_for_selector(".card.rejected")
    press(opened, "a")
    opened.wait_for_selector(".card.accepted")
    press(opened, "c")
    opened.fill("#new-class", "hook")
    press(opened, "Enter")
    opened.locator(".card.accepted").nth(1).wait_for()

    assert [row[:2] for row in reviewed(night)] == [(68, "accepted"), (69, "accepted"), (70, "rejected")]
    assert [row[2] for row in reviewed(night)][:2] == ["hook", "can"]
    assert opened.locator(".card span").nth(4).inner_text() == "hook 0.87"

    opened.reload()
    opened.locator(".card.accepted").nth(1).wait_for()
    assert opened.locator(".card.rejected").count() == 0  # the filter hides it
    opened.select_option("#verdict", "rejected")
    opened.wait_for_selector(".card:only-child")


def test_decision_can_be_undone(opened, night):
    press(opened, "ArrowRight", "a")
    opened.wait_for_selector(".card.accepted")
    press(opened, "ArrowLeft", "u")
    opened.wait_for_selector(".card.accepted", state="detached")

    assert reviewed(night) == []


def test_page_reports_a_decision_that_was_not_saved(opened, night):
    opened.route("**/decisions", lambda route: route.abort())
    press(opened, "ArrowRight", "a")

    opened.wait_for_selector("#message:not([hidden])")
    assert (
        opened.inner_text("#message").startswith("The decision was not saved: ")
        and opened.locator(".card.accepted").count() == 0
    )


@pytest.mark.parametrize(("name", "labels"), [("yolo", "labels"), ("voc", "annotations"), ("coco", "labels.json")])
def test_reviewed_frames_are_written_as_labels(client, token, night, tmp_path, name, labels):
    for number, verdict, label in ((3, "accepted", "hook"), (4, "rejected", "can"), (5, "accepted", "tire")):
        decision = {"detection": number, "verdict": verdict, "class": label}
        client.post("/decisions", json=decision, headers={"X-Token": token})

    result = run("labels", night, "--format", name, "-o", tmp_path / "labels")

    assert result.exit_code == 0, result.output
    assert (
        result.stdout.startswith("3 frames with 2 labels in ") and "67 frames not reviewed completely" in result.stdout
    )
    frames, classes = read_labels(tmp_path / "labels" / "images", tmp_path / "labels" / labels)
    class_names = {frame.path.stem: [classes[k] for k in frame.class_id] for frame in frames}
    # Frames without objects are training data, too.
    assert class_names == {"ping-03": ["hook"], "ping-04": [], "ping-05": ["tire"]}


def test_labels_without_a_review_are_refused(night):
    result = run("labels", night)

    assert result.exit_code == 2 and "survey review" in result.stderr


def test_summary_and_exports_follow_decisions(client, token, night):
    for number, verdict, label in ((0, "rejected", "can"), (1, "accepted", "hook")):
        decision = {"detection": number, "verdict": verdict, "class": label}
        client.post("/decisions", json=decision, headers={"X-Token": token})

    summary = run("summary", night).stdout
    assert "recorded from" not in summary  # images without times
    assert run("export", night, "--format", "csv").exit_code == 0

    rows = (night / "export" / "detections.csv").read_text().splitlines()
    assert len(rows) == 70 and ",hook," in rows[1]
    assert re.search(r"│ can +│ +34 │", summary) and re.search(r"│ hook +│ +1 │", summary)


@pytest.mark.parametrize("options", [{"object": True}, {}])
def test_a_rejected_object_is_gone_from_summary_report_and_exports(tmp_path, options):
    folder = write_survey(tmp_path / "night")
    summary = run("summary", folder).stdout
    assert "bottle" in summary
    assert "recorded from 2001-09-09T01:46:40.000+00:00 to 2001-09-09T01:48:04.000+00:00" in summary
    assert '"time": "2001-09-09T01:46:40.000+00:00"' in (folder / "report" / "data" / "part-00000.js").read_text()
    client = create_app(folder).test_client()
    token = read_token(client)

    decision = {"detection": 0, "verdict": "rejected", "class": "bottle"} | options
    assert len(client.post("/decisions", json=decision, headers={"X-Token": token}).json["decisions"]) == 85

    assert "bottle" not in run("summary", folder).stdout and "tire" in run("summary", folder).stdout
    formats = ("csv", "coco", "mot")
    assert run("export", folder, *(f"--format={name}" for name in formats), "-o", tmp_path / "out").exit_code == 0
    for path in (tmp_path / "out").rglob("*.csv"):
        assert "bottle" not in path.read_text() and "tire" in path.read_text()
    coco = json.loads(next((tmp_path / "out").rglob("*.json")).read_text())
    assert len(coco["annotations"]) == 85
    assert sum(path.read_text().count("\n") for path in (tmp_path / "out").rglob("*.txt")) == 85
    assert run("report", folder).exit_code == 0
    survey = (folder / "report" / "data" / "survey.js").read_text()
    assert '"objects": [{"detection": 1, "frames": 85}]' in survey and '{"class": "bottle"' not in survey


def test_command_serves_until_it_is_interrupted(night):
    words = ["-c", "from sonar_debris.commands.main import main; main()", "survey", "review", str(night), "--no-open"]
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, *words, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        # A shell lets its background processes ignore interrupts, and this child would inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    address = re.search(r"http://127.0.0.1:\d+/", process.stdout.readline())[0]

    with urllib.request.urlopen(address) as response:
        assert b"<title>Survey</title>" in response.read()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert output.startswith("0 detections reviewed, 70 objects; ")
