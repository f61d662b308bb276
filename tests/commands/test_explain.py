import shutil

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from tests.conftest import ROOT

SAMPLE = ROOT / "data" / "sample"


def explain(*words):
    return CliRunner().invoke(main, ["explain", *map(str, words)])


@pytest.fixture(autouse=True)
def no_data(monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)


def test_a_picture_is_written_and_the_shares_are_printed(tmp_path):
    result = explain(SAMPLE / "frame-0003.png", "-o", tmp_path / "why.png")

    assert result.exit_code == 0, result.output
    assert (
        "the frame has the objects 1 standing-bottle" in result.stdout and "of the effect of occlusion" in result.stdout
    )
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG") and "similar" not in result.stdout


def test_an_object_that_the_frame_lacks_is_an_error_that_lists_the_objects(tmp_path):
    result = explain(SAMPLE / "frame-0003.png", "--object", 9, "-o", tmp_path / "why.png")

    assert result.exit_code == 2 and "no object 9; the frame has the objects 1 standing-bottle" in result.stderr
    assert not (tmp_path / "why.png").exists()


def test_a_file_that_is_no_frame_is_an_error(tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    result = explain(tmp_path / "notes.png", "-o", tmp_path / "why.png")

    assert result.exit_code == 2 and "notes.png" in result.stderr


def test_images_without_labels_are_wrong_usage(tmp_path):
    shutil.copyfile(SAMPLE / "frame-0003.png", tmp_path / "a.png")
    result = explain(tmp_path / "a.png", "--images", tmp_path, "-o", tmp_path / "why.png")

    assert result.exit_code == 2 and "belong together" in result.stderr
