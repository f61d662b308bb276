import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.frames.aris_format import write_aris

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 4000, "sample_period": 10, "system": 2, "large_lens": 1}
FIELDS |= {"frame_time": 1_000_000, "frame_rate": 5, "heading": 33.0, "latitude": 48.5, "longitude": -4.5}


@pytest.fixture
def recording(tmp_path):
    write_aris(tmp_path / "dive.aris", [(np.full((200, 48), 90, np.uint8), FIELDS)] * 4)
    return tmp_path / "dive.aris"


def run(*words):
    return CliRunner().invoke(main, ["info", *map(str, words)])


def test_recording_is_described_as_json(recording):
    result = run(recording, "--json")

    assert result.exit_code == 0, result.output
    description = json.loads(result.stdout)
    assert description["format"] == "ARIS recording" and description["sonar"] == "ARIS 1200"
    assert (description["frames"], description["beams"], description["samples_per_beam"]) == (4, 48, 200)
    assert description["range_m"] == pytest.approx([3.0, 4.5])
    assert description["time"][0] == "1970-01-01T00:00:01.000+00:00"
    assert (description["heading_deg"], description["latitude"], description["longitude"]) == (33.0, 48.5, -4.5)


def test_recording_is_described_as_text_with_a_thumbnail(recording, tmp_path):
    result = run(recording, "--thumbnail", tmp_path / "first.png")

    assert "range_m            3.0 to 4.5\n" in result.stdout
    assert cv2.imread(str(tmp_path / "first.png"), cv2.IMREAD_GRAYSCALE).shape[0] == 640


def test_plain_image_is_described(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.full((6, 8), 90, np.uint8))

    description = json.loads(run(tmp_path / "ping.png", "--json").stdout)

    assert description == {"file": f"{tmp_path}/ping.png", "format": "image", "frames": 1, "rows": 6, "cols": 8}


def test_file_that_holds_no_frames_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("calm sea")

    result = run(tmp_path / "notes.txt")

    assert result.exit_code == 2 and "not a file of frames" in result.stderr


def test_recording_with_damaged_first_and_last_frames_is_described(recording):
    data = bytearray(recording.read_bytes())
    for frame in (0, 3):
        data[1024 + frame * (1024 + 200 * 48) + 476] = 99  # the start delay differs: no damage
    data[1024 + 3 * (1024 + 200 * 48) + 12] = 0  # the last frame's signature
    recording.write_bytes(data)

    description = json.loads(run(recording, "--json").stdout)

    assert description["frames"] == 4 and len(description["time"]) == 2


def test_folder_is_described_file_by_file_and_unreadable_ones_are_reported(recording, tmp_path):
    (tmp_path / "a.png").write_bytes(b"damaged")
    np.save(tmp_path / "none.npy", np.zeros((0, 9, 9)))

    result = run(tmp_path, "--json")

    assert result.exit_code == 1
    assert [Path(description["file"]).name for description in json.loads(result.stdout)] == ["dive.aris"]
    assert "a.png: not a PNG" in result.stderr and "none.npy: the stack holds no frames" in result.stderr


def test_an_empty_folder_is_reported(tmp_path):
    result = run(tmp_path)

    assert (result.exit_code, result.stderr) == (2, f"error: {tmp_path}: the folder holds no frames\n")


def test_mirrored_frames_are_described_and_drawn(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.repeat(np.uint8([[0, 200]]), 9, axis=0))

    result = run(tmp_path / "ping.png", "--mirror", "--json", "--thumbnail", tmp_path / "first.png")

    assert json.loads(result.stdout)["mirrored"] is True
    assert cv2.imread(str(tmp_path / "first.png"), cv2.IMREAD_GRAYSCALE)[0].tolist() == [255, 0]


def test_bag_with_several_topics_is_described_by_topic(tmp_path):
    bags = pytest.importorskip("tests.ros_bags", reason="the extra ros is not installed")
    store = bags.typestore()
    messages = [bags.image(store, np.full((4, 5), 9, np.uint8), 1.0)]
    path = bags.write_bag(tmp_path / "dive", {"/camera": messages, "/sonar": messages * 2})

    forgotten, selected = run(path), run(path, "--topic", "/sonar")

    assert forgotten.exit_code == 2
    assert forgotten.stderr == (
        f"error: {path}: several topics have frames; choose with --topic among "
        "/camera (sensor_msgs/msg/Image), /sonar (sensor_msgs/msg/Image)\n"
    )
    assert "\nframes  2\n" in selected.stdout
