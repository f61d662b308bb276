import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
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
    return re.search('"token": "([^"]+)"', client.get("/data/review.js").text)[1]


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
def test_requests_of_other_pages_are_refused(client, token, night, headers, status):
    response = client.post("/decisions", json=DECISION, headers={"X-Token": token} | headers)

    assert response.status_code == status and reviewed(night) == []


@pytest.mark.parametrize(
    "decision",
    [
        [],
        {"detection": 3},
        DECISION | {"detection": 70},
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
def test_invalid_decisions_are_refused(client, token, night, decision):
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
def test_broken_bodies_are_refused(client, token, night, body, status):
    headers = {"X-Token": token, "Content-Type": "application/json"}

    assert client.post("/decisions", data=body, headers=headers).status_code == status
    assert reviewed(night) == []


@pytest.mark.parametrize("path", ["%00", "data/%00.js", "%ed%a0%80", "x" * 5000, "%2e%2e", "data/", "%ff", "a%0d%0ab"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_paths_that_do_not_exist_are_never_an_internal_error(client, path, method):
    with client.open(f"/{path}", method=method) as response:
        assert response.status_code in (200, 404, 405)


def test_a_locked_survey_is_reported(client, token, night, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.database.LOCK_TIMEOUT", 0.1)
    lock = sqlite3.connect(night / "survey.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")

    response = client.post("/decisions", json=DECISION, headers={"X-Token": token})

    lock.close()
    assert response.status_code == 503 and "survey.sqlite" in response.text


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
    opened.wait_for_selector(".card.rejected")
    assert opened.locator(".card.accepted").count() == 2
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
    assert run("export", night, "--format", "csv").exit_code == 0

    rows = (night / "export" / "detections.csv").read_text().splitlines()
    assert len(rows) == 70 and ",hook," in rows[1]
    assert re.search(r"│ can +│ +34 │", summary) and re.search(r"│ hook +│ +1 │", summary)


def test_a_rejected_object_is_gone_from_summary_report_and_exports(tmp_path):
    folder = tmp_path / "night"
    folder.mkdir()
    with SurveyStore(folder) as store:
        source = store.add_sources(["dive.aris"])["dive.aris"]
        with store.transaction():
            for position in range(85):
                boxes = [
                    DetectionRecord(x, 20.0, 9.0, 9.0, name, 0.8, 0.9) for x, name in ((10, "bottle"), (60, "tire"))
                ]
                store.add_frame(source, FrameRecord(position, 80, 100, detections=boxes))
            store.finish_source(source, None)
    manifest = {"model": "m", "min_score": 0.2, "version": "1", "classes": ["bottle", "tire"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert run("report", folder).exit_code == 0 and "bottle" in run("summary", folder).stdout
    client = create_app(folder).test_client()
    token = re.search('"token": "([^"]+)"', client.get("/data/review.js").text)[1]

    decision = {"detection": 0, "verdict": "rejected", "class": "bottle", "object": True}
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
