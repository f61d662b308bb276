import json

import cv2
import numpy as np
from click.testing import CliRunner

from sonar_debris.commands.simulate import simulate
from sonar_debris.frames import open_frames
from sonar_debris.simulator import simulate_frames


def run(*arguments):
    return CliRunner().invoke(simulate, [str(argument) for argument in arguments])


def test_frames_and_truth_are_written(tmp_path):
    result = run("-o", tmp_path / "out", "--frames", 3, "--seed", 4)
    assert result.exit_code == 0
    truth = json.loads((tmp_path / "out/truth.coco.json").read_text())
    assert [image["file_name"] for image in truth["images"]] == [f"frame-000{index}.png" for index in range(3)]
    assert f"3 frames simulated with {len(truth['annotations'])} labelled boxes" in result.output
    assert truth["info"]["command"] == "sonar-debris simulate --frames 3 --seed 4 --format png"


def test_png_files_hold_the_simulated_frames(tmp_path):
    run("-o", tmp_path, "--frames", 2, "--seed", 4)
    for index, (image, _, _) in enumerate(simulate_frames(2, seed=4)):
        assert np.array_equal(cv2.imread(str(tmp_path / f"frame-000{index}.png"), cv2.IMREAD_UNCHANGED), image)


def test_zero_frames_is_wrong_usage(tmp_path):
    assert run("-o", tmp_path, "--frames", 0).exit_code == 2


def test_new_shapes_without_a_dive_are_wrong_usage(tmp_path):
    result = run("-o", tmp_path, "--new-shapes", 0.5)
    assert result.exit_code == 2 and "--new-shapes requires --dive" in result.output


def test_help_has_an_example():
    assert "sonar-debris simulate -o practice --frames 100 --seed 7" in run("--help").output


def test_a_recording_matches_its_truth(tmp_path):
    result = run("-o", tmp_path, "--frames", 4, "--seed", 2, "--format", "aris")

    assert result.exit_code == 0, result.output
    truth = json.loads((tmp_path / "truth.coco.json").read_text())
    frames = list(open_frames(tmp_path / "survey.aris"))
    assert [(image["file_name"], image["frame_index"]) for image in truth["images"]] == [
        ("survey.aris", index) for index in range(4)
    ]
    for image, frame in zip(truth["images"], frames, strict=True):
        assert (image["height"], image["width"]) == frame.image.shape
    brightest = [
        frames[annotation["image_id"] - 1].image[box_slices(annotation["bbox"])].max()
        for annotation in truth["annotations"]
    ]
    assert np.median(brightest) > 1.5 * np.median([np.median(frame.image[frame.image > 0]) for frame in frames])
    assert [frame.time for frame in frames] == sorted(frame.time for frame in frames)


def box_slices(bbox):
    left, top, width, height = np.rint(bbox).astype(int)
    return np.s_[max(0, top) : top + height, max(0, left) : left + width]
