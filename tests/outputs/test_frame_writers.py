import json
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisWarning
from sonar_debris.files import OutputError
from sonar_debris.frames import Frame, open_frames
from sonar_debris.outputs.frame_writers import PngWriter, VideoWriter, convert_frames, without_image


def frames(*shapes: tuple[int, int]) -> list[Frame]:
    return [
        Frame(np.full(shape, 0.1 * (k + 1), np.float32), Path("dive.npz"), "dive.npz", k)
        for k, shape in enumerate(shapes)
    ]


@pytest.mark.parametrize("target", ["images", "new/dive.mkv"])
def test_frames_are_converted_from_python(target, tmp_path):
    progress = []

    count = convert_frames(frames((20, 31), (20, 31)), tmp_path / target, progress=progress.append)

    assert (count, progress) == (2, [1, 2])
    assert [frame.as_bytes()[0, 0] for frame in open_frames(tmp_path / target)] == [26, 51]


def test_geometry_file_lists_each_frame(tmp_path):
    convert_frames(frames((4, 4), (4, 4)), tmp_path)

    files = json.loads((tmp_path / "geometry.json").read_text())["files"]
    assert {name: len(entries) for name, entries in files.items()} == {"frame-000000.png": 1, "frame-000001.png": 1}


def test_images_may_differ_in_size(tmp_path):
    with PngWriter(tmp_path) as writer:
        names = [writer.write(frame) for frame in frames((4, 6), (5, 7))]

    assert names == ["frame-000000.png", "frame-000001.png"]
    assert [frame.image.shape for frame in open_frames(tmp_path)] == [(4, 6), (5, 7)]


def test_video_is_complete_although_a_frame_is_refused(tmp_path):
    first, second = frames((20, 30), (30, 20))

    with pytest.raises(OSError, match="must have the same size"), VideoWriter(tmp_path / "dive.mkv") as writer:
        writer.write(first)
        writer.write(second)

    assert len(list(open_frames(tmp_path / "dive.mkv"))) == 1


def test_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "images").touch()

    with pytest.raises(OutputError, match="a file is in the way"):
        convert_frames(frames((4, 4)), tmp_path / "images")


def test_metadata_does_not_keep_the_image_in_memory():
    (frame,) = frames((4, 4))

    assert without_image(frame).image.size == 0
    assert without_image(frame).image.base is None


@pytest.mark.parametrize("scale", [80, 0.05])
def test_frames_that_eight_bits_cannot_show_are_scaled_to_their_range_with_a_warning(scale, tmp_path):
    image = np.linspace(0, scale, 12 * 10, dtype=np.float32).reshape(12, 10)
    frames = [Frame(image, Path("a.npy"), "a.npy", index) for index in range(2)]

    with pytest.warns(SonarDebrisWarning, match="a.npy: .*scaled to 8 bits") as caught:
        convert_frames(frames, tmp_path / "images")

    assert len(caught) == 1
    (stored, _) = open_frames(tmp_path / "images")
    np.testing.assert_allclose(stored.image, image / scale, atol=0.003)


@pytest.mark.parametrize("grey_levels", [256, 12])
def test_frames_of_eight_bits_keep_their_values(grey_levels, tmp_path):
    image = (np.arange(12 * 10).reshape(12, 10) % grey_levels).astype(np.float32) / 255

    convert_frames([Frame(image, Path("a.png"), "a.png")], tmp_path / "images")

    (stored,) = open_frames(tmp_path / "images")
    np.testing.assert_array_equal(stored.image, image)
