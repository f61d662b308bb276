"""The requests of the page on single frames: what they change, and which are refused."""

import json

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.survey.review import create_app
from sonar_debris.survey.store import SurveyStore

# The frame of the last source but one: a can at (10, 20, 30, 40).
FRAME = "/labels/69/0"


@pytest.fixture
def client(night):
    assert CliRunner().invoke(main, ["survey", "report", str(night)]).exit_code == 0
    client = create_app(night).test_client()
    token = client.get("/data/review.js").text.split('"token": "')[1].split('"')[0]
    client.environ_base["HTTP_X_TOKEN"] = token
    return client


def post(client, path, **body):
    version = client.get(FRAME).json["version"]
    return client.post(f"{FRAME}/{path}", json={"version": version} | body)


def verdicts(night):
    with SurveyStore(night) as store:
        return [(box.class_name, box.verdict) for box in store.frame_boxes(69, 0)]


def test_a_frame_is_described(client, night):
    frame = client.get(FRAME).json

    (box,) = frame.pop("boxes")
    assert (box["x"], box["y"], box["w"], box["h"], box["class"], box["verdict"]) == (
        10,
        20,
        30,
        40,
        "can",
        "undecided",
    )
    assert (frame["rows"], frame["cols"], frame["complete"], frame["reason"]) == (80, 100, False, None)
    with client.get(f"/{frame['picture']}") as picture:
        assert picture.mimetype == "image/jpeg"


def test_a_box_is_drawn_decided_and_completed(client, night):
    drawn = post(client, "boxes", box=[50, 10, 20, 20], **{"class": "hook"}).json
    assert drawn["drawn"] == 1 and drawn["boxes"][1]["origin"] == "person"

    post(client, "decisions", decisions=[], complete=True)

    assert verdicts(night) == [("can", "accepted"), ("hook", "accepted")]
    assert client.get(FRAME).json["complete"]


@pytest.mark.parametrize("address", ["/labels/99/0", "/labels/69/1", f"/labels/{2**63}/0", f"/why/1/{2**63}/0.png"])
def test_a_frame_that_the_survey_lacks_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_a_change_of_an_earlier_version_of_the_frame_is_refused(client, night):
    version = client.get(FRAME).json["version"]
    post(client, "decisions", decisions=[{"rank": 0, "verdict": "accepted", "class": "can"}])

    decisions = [{"rank": 0, "verdict": "rejected", "class": "can"}]
    answer = client.post(f"{FRAME}/decisions", json={"version": version, "decisions": decisions})

    assert answer.status_code == 409 and "open it again" in answer.json["error"]
    assert verdicts(night) == [("can", "accepted")]


def test_a_change_without_the_token_is_refused(client, night):
    del client.environ_base["HTTP_X_TOKEN"]
    answer = post(client, "decisions", decisions=[{"rank": 0, "verdict": "accepted", "class": "can"}])

    assert answer.status_code == 403 and verdicts(night) == [("can", "undecided")]


@pytest.mark.parametrize(
    "box",
    [
        None,
        "box",
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [1, 2, "x", 4],
        [1, 2, 0, 4],
        [1, 2, -3, 4],
        [1, 2, 1, 1],
        [200, 200, 10, 10],
        [1, 2, 1e300, 4],
        [1, 2, float("nan"), 4],
        {"x": 1},
    ],
)
def test_a_box_that_is_none_is_refused(client, night, box):
    version = client.get(FRAME).json["version"]
    body = json.dumps({"version": version, "class": "hook", "box": box})
    answer = client.post(f"{FRAME}/boxes", data=body, content_type="application/json")

    assert answer.status_code == 400 and verdicts(night) == [("can", "undecided")]


@pytest.mark.parametrize("name", ["", "  ", None, 3, "x" * 101, "a\x1b[31m", "a\nb"])
def test_a_class_without_a_printable_name_is_refused(client, night, name):
    assert post(client, "boxes", box=[50, 10, 20, 20], **{"class": name}).status_code == 400
    decisions = [{"rank": 0, "verdict": "accepted", "class": name}]
    assert post(client, "decisions", decisions=decisions).status_code == 400
    assert verdicts(night) == [("can", "undecided")]


@pytest.mark.parametrize(
    ("decisions", "status"),
    [
        (None, 400),
        ("all", 400),
        ([3], 400),
        ([{"rank": 0}], 400),
        ([{"rank": True, "verdict": "accepted", "class": "can"}], 400),
        ([{"rank": 0, "verdict": "perhaps", "class": "can"}], 400),
        ([{"rank": 7, "verdict": "accepted", "class": "can"}], 409),
        ([{"rank": 2**70, "verdict": "accepted", "class": "can"}], 409),
    ],
)
def test_decisions_that_are_none_are_refused(client, night, decisions, status):
    assert post(client, "decisions", decisions=decisions).status_code == status
    assert verdicts(night) == [("can", "undecided")]


def test_of_several_decisions_all_or_none_are_stored(client, night):
    decisions = [{"rank": rank, "verdict": "accepted", "class": "can"} for rank in (0, 7)]

    assert post(client, "decisions", decisions=decisions).status_code == 409
    assert verdicts(night) == [("can", "undecided")]


@pytest.mark.parametrize("complete", ["yes", 1, []])
def test_a_mark_that_is_neither_set_nor_removed_is_refused(client, complete):
    assert post(client, "decisions", decisions=[], complete=complete).status_code == 400


def test_a_box_to_replace_must_exist(client, night):
    answer = post(client, "boxes", box=[50, 10, 20, 20], replaces=5, **{"class": "hook"})

    assert answer.status_code == 400 and verdicts(night) == [("can", "undecided")]


def test_a_frame_whose_file_is_gone_can_still_be_labelled(client, night, tmp_path):
    with SurveyStore(night) as store:
        (source,) = store.read("SELECT source FROM detection WHERE score = (SELECT MAX(score) FROM detection)")[0]
    frame = client.get(f"/labels/{source}/0").json
    assert frame["picture"] is None and frame["reason"]

    body = {"version": frame["version"], "box": [50, 10, 20, 20], "class": "hook"}
    assert client.post(f"/labels/{source}/0/boxes", json=body).status_code == 200


def test_suggestions_shrink_as_frames_are_completed(client):
    frames = client.get("/labels/suggestions").json["frames"]
    assert len(frames) == 30 and not any(frame["reviewed"] for frame in frames)

    address = f"/labels/{frames[0]['source']}/{frames[0]['position']}"
    version = client.get(address).json["version"]
    client.post(f"{address}/decisions", json={"version": version, "decisions": [], "complete": True})

    again = client.get("/labels/suggestions").json["frames"]
    assert [frame["reviewed"] for frame in again] == [True] + 29 * [False]
