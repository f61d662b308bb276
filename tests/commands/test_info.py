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


def test_what_a_recording_is(recording):
    result = run(recording, "--json")

    assert result.exit_code == 0, result.output
    about = json.loads(result.stdout)
    assert about["format"] == "ARIS recording" and about["sonar"] == "ARIS 1200"
    assert (about["frames"], about["beams"], about["samples_per_beam"]) == (4, 48, 200)
    assert about["range_m"] == pytest.approx([3.0, 4.5])
    assert about["time"][0] == "1970-01-01T00:00:01.000+00:00"
    assert (about["heading_deg"], about["latitude"], about["longitude"]) == (33.0, 48.5, -4.5)


def test_in_words_and_with_a_picture(recording, tmp_path):
    result = run(recording, "--thumbnail", tmp_path / "first.png")

    assert "range_m            3.0 to 4.5\n" in result.stdout
    assert cv2.imread(str(tmp_path / "first.png"), cv2.IMREAD_GRAYSCALE).shape[0] == 640


def test_a_plain_image(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.full((6, 8), 90, np.uint8))

    about = json.loads(run(tmp_path / "ping.png", "--json").stdout)

    assert about == {"file": f"{tmp_path}/ping.png", "format": "image", "frames": 1, "rows": 6, "cols": 8}


def test_no_file_of_frames(tmp_path):
    (tmp_path / "notes.txt").write_text("calm sea")

    result = run(tmp_path / "notes.txt")

    assert result.exit_code == 2 and "not a file of frames" in result.stderr


def test_a_recording_whose_first_and_last_frames_are_damaged(recording):
    data = bytearray(recording.read_bytes())
    for frame in (0, 3):
        data[1024 + frame * (1024 + 200 * 48) + 476] = 99  # the start delay differs: no damage
    data[1024 + 3 * (1024 + 200 * 48) + 12] = 0  # the last frame's signature
    recording.write_bytes(data)

    about = json.loads(run(recording, "--json").stdout)

    assert about["frames"] == 4 and len(about["time"]) == 2


def test_a_folder_tells_of_each_file_and_names_what_cannot_be_read(recording, tmp_path):
    (tmp_path / "a.png").write_bytes(b"damaged")
    np.save(tmp_path / "none.npy", np.zeros((0, 9, 9)))

    result = run(tmp_path, "--json")

    assert result.exit_code == 1
    assert [Path(about["file"]).name for about in json.loads(result.stdout)] == ["dive.aris"]
    assert "a.png: not a PNG" in result.stderr and "none.npy: it holds no frames" in result.stderr
