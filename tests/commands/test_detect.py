import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sonar_debris.commands.inputs import exit_code
from sonar_debris.commands.main import main
from sonar_debris.frames.loader import count_frames
from tests.fakes import FakeDetector

pytestmark = pytest.mark.usefixtures("fake_detector")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["detect", *map(str, arguments)])


def read_coco(out: Path) -> dict:
    return json.loads((out / "detections.coco.json").read_text())


def pictures(out: Path) -> list[str]:
    return sorted(file.relative_to(out / "annotated").as_posix() for file in out.glob("annotated/**/*.png"))


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


def test_folder_of_frames_gives_coco_csv_and_pictures(write_frame, tmp_path, out):
    for name, brightness in [("dive/2.png", 0), ("dive/10.png", 90), ("dive/near/1.bmp", 90)]:
        write_frame(name, brightness)

    result = run(tmp_path / "dive", "-o", out)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == f"3 frames read, 0 failed, 2 detections (tire 2); see {out}\n"
    content = read_coco(out)
    assert [image["file_name"] for image in content["images"]] == ["2.png", "10.png", "near/1.bmp"]
    assert content["images"][0] == {"id": 1, "file_name": "2.png", "width": 10, "height": 12, "frame_index": 0}
    assert [a["image_id"] for a in content["annotations"]] == [2, 3]
    assert content["annotations"][0]["bbox"] == [1, 2, 3, 4]
    assert content["failures"] == []
    assert content["info"] == {"version": "0.1.0", "model": "fake", "min_score": 0.5}
    with (out / "detections.csv").open(newline="") as file:
        assert [(row["file"], row["class"]) for row in csv.DictReader(file)] == [
            ("10.png", "tire"),
            ("near/1.bmp", "tire"),
        ]
    assert pictures(out) == ["10.png", "2.png", "near/1.png"]
    assert sorted(file.name for file in out.iterdir()) == ["annotated", "detections.coco.json", "detections.csv"]


def test_file_is_listed_under_the_name_that_was_given(write_frame, out, monkeypatch, tmp_path):
    write_frame("dive/1.png")
    monkeypatch.chdir(tmp_path)

    result = run("./dive/1.png", "-o", "out")

    assert result.stdout == "1 frame read, 0 failed, 1 detection (tire 1); see out\n"
    assert read_coco(out)["images"][0]["file_name"] == "./dive/1.png"
    assert pictures(out) == ["dive/1.png"]


def test_files_with_the_same_name_get_different_pictures(write_frame, tmp_path, out):
    write_frame("port/1.png")
    write_frame("starboard/1.png")

    run(tmp_path / "port", tmp_path / "starboard", "-o", out)

    assert pictures(out) == ["1-2.png", "1.png"]
    assert [image["id"] for image in read_coco(out)["images"]] == [1, 2]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_failing_frames_are_reported_and_the_others_processed(batch_size, write_frame, tmp_path, out):
    for name in ("1.png", "3.png", "5.png"):
        write_frame(f"dive/{name}")
    (tmp_path / "dive" / "2.png").touch()
    write_frame("dive/4.png", shape=(1, 1))

    result = run(tmp_path / "dive", "-o", out, "--batch-size", batch_size)

    assert result.exit_code == 1
    assert set(result.stderr.splitlines()) == {
        "error: 2.png: the file is empty",
        "error: 4.png: detection failed (a frame of one pixel)",
    }
    assert result.stdout.startswith("3 frames read, 2 failed, 3 detections")
    content = read_coco(out)
    assert [image["file_name"] for image in content["images"]] == ["1.png", "3.png", "5.png"]
    assert {failure["file_name"] for failure in content["failures"]} == {"2.png", "4.png"}


def test_missing_picture_is_reported_and_its_detections_kept(write_frame, tmp_path, out):
    for name in ("a.tiff", "b.tiff"):
        write_frame(f"dive/{name}")
    (out / "annotated" / "a.png").mkdir(parents=True)

    result = run(tmp_path / "dive", "-o", out)

    assert result.exit_code == 1
    assert result.stderr == f"error: a.tiff: picture not written ({out}/annotated/a.png: Is a directory)\n"
    assert result.stdout.startswith("2 frames read, 1 failed, 2 detections")
    assert (out / "annotated" / "b.png").is_file()
    assert [annotation["image_id"] for annotation in read_coco(out)["annotations"]] == [1, 2]
    assert read_coco(out)["failures"] == []  # the frame was read, and its detections are there
    assert len((out / "detections.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", ["detections.coco.json", "detections.csv"])
def test_result_file_that_cannot_be_written_is_one_error_line(name, write_frame, out):
    (out / name).mkdir(parents=True)

    result = run(write_frame("1.png"), "-o", out)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and len(result.stderr.splitlines()) == 1


def test_missing_input_is_reported_and_the_others_processed(write_frame, tmp_path, out):
    result = run(tmp_path / "missing", write_frame("1.png"), "-o", out)

    assert result.exit_code == 1
    assert result.stderr == f"error: {tmp_path}/missing: No such file or directory\n"
    assert read_coco(out)["failures"] == [{"file_name": f"{tmp_path}/missing", "error": "No such file or directory"}]


def test_no_output_is_created_if_no_input_can_be_opened(tmp_path, out):
    result = run(tmp_path / "missing", "-o", out)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


def test_failures_are_written_if_no_frame_can_be_read(tmp_path, out):
    (tmp_path / "1.png").write_bytes(b"no image")

    result = run(tmp_path / "1.png", "-o", out)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert read_coco(out)["images"] == []
    assert len(read_coco(out)["failures"]) == 1


def test_frames_are_counted_as_they_are_read(write_frame, tmp_path):
    for name in ("1.png", "near/2.png", ".hidden.png", ".cache/3.png"):
        write_frame(f"dive/{name}")
    (tmp_path / "dive" / "folder.png").mkdir()
    (tmp_path / "dive" / "notes.txt").touch()

    assert count_frames(tmp_path / "dive") == 2
    assert count_frames(tmp_path / "dive" / "1.png") == 1


def test_no_images_leaves_out_the_pictures(write_frame, out):
    run(write_frame("1.png"), "-o", out, "--no-images")

    assert sorted(file.name for file in out.iterdir()) == ["detections.coco.json", "detections.csv"]


@pytest.mark.parametrize(("min_score", "count"), [(0.7, 1), (0.8, 0)])
def test_min_score_leaves_out_lower_scores(min_score, count, write_frame, out):
    run(write_frame("1.png"), "-o", out, "--min-score", min_score)

    assert len(read_coco(out)["annotations"]) == count
    assert read_coco(out)["info"]["min_score"] == min_score


def test_unknown_model_is_refused(write_frame, out):
    result = run(write_frame("1.png"), "-o", out, "--model", "missing")

    assert result.exit_code == 2
    assert result.stderr == "error: missing: no such model; known: fake\n"


def test_alternative_labels_are_marked_and_not_counted(write_frame, out):
    result = run(write_frame("1.png"), "-o", out, "--model", "alternatives")

    assert result.stdout == f"1 frame read, 0 failed, 1 detection (tire 1); see {out}\n"
    assert [annotation.get("alternative") for annotation in read_coco(out)["annotations"]] == [None, True]
    with (out / "detections.csv").open(newline="") as file:
        assert [(row["class"], row["alternative"]) for row in csv.DictReader(file)] == [("tire", "0"), ("can", "1")]


def test_output_that_is_a_file_is_refused(write_frame, out):
    out.touch()

    result = run(write_frame("1.png"), "-o", out)

    assert result.exit_code == 2
    assert (
        result.stderr == f"error: {out}: cannot create the output folder, a file is in the way; choose another folder\n"
    )


@pytest.mark.parametrize("inside", [".", "results"])
def test_output_inside_the_input_folder_is_refused(inside, write_frame, tmp_path):
    write_frame("dive/1.png")
    output, dive = tmp_path / "dive" / inside, tmp_path / "dive"

    result = run(tmp_path / "missing", dive, "-o", output)

    assert result.exit_code == 2
    assert (
        result.stderr == f"error: {output}: is inside the input folder {dive}; choose an output folder outside of it\n"
    )
    assert [file.name for file in dive.iterdir()] == ["1.png"]


@pytest.mark.parametrize(
    "arguments",
    [(), ("-o", "out"), ("in",), ("in", "-o", "out", "--min-score", "2"), ("in", "-o", "out", "--batch-size", "0")],
)
def test_wrong_usage_has_exit_code_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(("succeeded", "failed", "code"), [(3, 0, 0), (3, 1, 1), (0, 1, 2), (0, 0, 2)])
def test_exit_code_says_how_much_succeeded(succeeded, failed, code):
    assert exit_code(succeeded, failed) == code


def test_names_of_several_folders_begin_with_the_folder(write_frame, out, monkeypatch, tmp_path):
    for folder in ("a", "b"):
        write_frame(f"{folder}/1.png")
    monkeypatch.chdir(tmp_path)

    assert run("a", "b/", "-o", out).exit_code == 0

    assert [image["file_name"] for image in read_coco(out)["images"]] == ["a/1.png", "b/1.png"]


def test_a_name_that_is_not_utf8_is_escaped(write_frame, out, tmp_path):
    write_frame("dive/1.png").rename(tmp_path / "dive" / "1\udcfc.png")

    result = run(tmp_path / "dive", "-o", out)

    assert result.exit_code == 0 and read_coco(out)["images"][0]["file_name"] == r"1\xfc.png"
    assert r"1\xfc.png" in (out / "detections.csv").read_text()


def test_a_used_folder_holds_no_pictures_of_the_earlier_run(write_frame, tmp_path, out):
    write_frame("dive/a.png")
    write_frame("dive/near/a.png")
    other = write_frame("b.png")
    assert run(tmp_path / "dive", "-o", out).exit_code == 0 and pictures(out) == ["a.png", "near/a.png"]
    (out / "annotated" / "mine.png").write_bytes(b"")

    assert run(other, "-o", out).exit_code == 0
    assert pictures(out) == ["b.png", "mine.png"]

    assert run(other, "-o", out, "--no-images").exit_code == 0
    assert pictures(out) == ["mine.png"]


def test_an_interrupted_run_keeps_its_results(write_frame, tmp_path, out, monkeypatch):
    for number in range(6):
        write_frame(f"dive/{number}.png")
    detect_batch = FakeDetector.detect_batch

    def interrupt(detector, frames):
        if frames[0].name == "4.png":
            raise KeyboardInterrupt
        return detect_batch(detector, frames)

    monkeypatch.setattr(FakeDetector, "detect_batch", interrupt)
    result = run(tmp_path / "dive", "-o", out, "--batch-size", "2")

    assert result.exit_code == 130 and result.stderr.startswith("interrupted; ")
    content = read_coco(out)
    assert len(content["images"]) == len(content["annotations"]) == 4 and content["info"]["interrupted"]
    assert len((out / "detections.csv").read_text().splitlines()) == 5
