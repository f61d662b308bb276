import numpy as np
import pytest

pytest.importorskip("rosbags", reason="the extra ros is not installed")

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.frame_selection import FrameSelection
from sonar_debris.frames.readers import find_format
from tests.ros_bags import header, image, projected, typestore, write_bag

RNG = np.random.default_rng(0)
BEARINGS = np.linspace(-30, 30, 40)
RANGES = 2 + 0.02 * np.arange(200)
STORAGES = [(1, ""), (2, "mcap"), (2, "sqlite3")]


def bag(tmp_path, ros, storage, make, count=3, topic="/sonar"):
    """Write a bag of the messages that ``make(store, number)`` returns."""
    store = typestore(ros)
    path = tmp_path / ("dive.bag" if ros == 1 else "dive")
    return write_bag(path, {topic: [make(store, number) for number in range(count)]}, ros, storage or "mcap")


@pytest.mark.parametrize("ros, storage", STORAGES)
def test_images_are_read_with_index_and_time(tmp_path, ros, storage):
    pixels = RNG.integers(0, 255, (3, 20, 30), np.uint8)
    path = bag(tmp_path, ros, storage, lambda store, number: image(store, pixels[number], 50 + number / 2, ros=ros))

    frames = list(open_frames(path))

    assert find_format(path).count(path) == 3
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time for frame in frames] == [50.0, 50.5, 51.0]
    assert np.array_equal([np.rint(frame.image * 255) for frame in frames], pixels)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8"])
def test_colour_becomes_luma(tmp_path, encoding):
    red = np.zeros((4, 5, len(encoding) - 1), np.uint8)
    red[..., encoding.index("r")] = 255
    path = bag(tmp_path, 2, "mcap", lambda store, number: image(store, red, 1.0, encoding), 1)

    assert next(open_frames(path)).image == pytest.approx(0.299, abs=0.005)


@pytest.mark.parametrize("ros, storage", STORAGES)
@pytest.mark.parametrize("ahead", ["x", "z"])
def test_a_scan_is_converted_to_a_fan(tmp_path, ros, storage, ahead):
    echoes = np.full((200, 40), 50, np.uint8)
    echoes[100:104, 30:32] = 250
    path = bag(tmp_path, ros, storage, lambda store, _: projected(store, echoes, BEARINGS, RANGES, 5.0, ros, ahead), 1)

    (frame,) = open_frames(path)

    y, x = np.unravel_index(frame.image.argmax(), frame.image.shape)
    distance, bearing = frame.geometry.to_polar(np.array([x + 0.5, y + 0.5]))
    assert distance == pytest.approx(RANGES[101], abs=0.06)
    assert bearing == pytest.approx(BEARINGS[30:32].mean(), abs=1.5)
    assert frame.time == 5.0
    assert frame.image.max() == pytest.approx(250 / 255)


def test_neither_beam_order_nor_sample_type_changes_the_image(tmp_path):
    echoes = RNG.integers(0, 255, (200, 40), np.uint8)
    unsigned = bag(tmp_path / "a", 2, "mcap", lambda store, _: projected(store, echoes, BEARINGS, RANGES, 5.0), 1)
    floats = np.float32(echoes[:, ::-1]) / 255
    reversed_floats = bag(
        tmp_path / "b", 2, "mcap", lambda store, _: projected(store, floats, BEARINGS[::-1], RANGES, 5.0, dtype=8), 1
    )

    images = [next(open_frames(path)).image for path in (unsigned, reversed_floats)]

    assert np.abs(images[0] - images[1]).max() < 1.5 / 255


def test_uneven_ranges_are_resampled(tmp_path):
    echoes = np.zeros((200, 40), np.uint8)
    echoes[50] = 255
    ranges = 2 + 4 * np.linspace(0, 1, 200) ** 2
    path = bag(tmp_path, 2, "mcap", lambda store, _: projected(store, echoes, BEARINGS, ranges, 5.0), 1)

    (frame,) = open_frames(path)

    rows, cols = frame.image.nonzero()
    assert frame.geometry.to_polar(np.stack([cols, rows], -1) + 0.5)[:, 0].mean() == pytest.approx(ranges[50], abs=0.03)


def test_a_bag_without_message_definitions_is_read(tmp_path):
    echoes = np.full((200, 40), 50, np.uint8)
    path = bag(tmp_path, 2, "sqlite3", lambda store, _: projected(store, echoes, BEARINGS, RANGES, 5.0), 1)
    import sqlite3

    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM message_definitions")
        database.execute("UPDATE topics SET type_description_hash = ''")

    assert next(open_frames(path)).geometry is not None


def test_one_of_several_topics_is_selected_by_name(tmp_path):
    store = typestore()
    topics = {
        f"/{name}": [image(store, np.full((4, 5), level, np.uint8), 1.0)] for name, level in (("a", 51), ("b", 255))
    }
    path = write_bag(tmp_path / "dive", topics)

    with pytest.raises(FrameReadError, match="several topics have frames; choose with --topic among /a, /b"):
        list(open_frames(path))
    with pytest.raises(FrameReadError, match="no topic /c; choose"):
        list(open_frames(path, selection=FrameSelection(topic="/c")))
    (frame,) = open_frames(path, selection=FrameSelection(topic="/b"))
    assert frame.image.max() == 1


def test_a_bag_without_frames_is_an_error(tmp_path):
    path = bag(tmp_path, 2, "mcap", lambda store, _: header(store, 1.0))

    with pytest.raises(FrameReadError, match="no topic of the bag has frames"):
        list(open_frames(path))


def test_only_selected_messages_are_read(tmp_path):
    path = bag(tmp_path, 2, "mcap", lambda store, number: image(store, np.full((4, 5), number, np.uint8), 1.0), 10)

    frames = open_frames(path, selection=FrameSelection(slice(2, 9, 3)))

    assert [(frame.index, round(frame.image.max() * 255)) for frame in frames] == [(2, 2), (5, 5), (8, 8)]


def test_messages_after_a_damaged_message_are_read(tmp_path):
    store = typestore()
    intact, damaged = (image(store, np.zeros((4, 5), np.uint8), 1.0) for _ in range(2))
    object.__setattr__(damaged, "height", 400)
    path = write_bag(tmp_path / "dive", {"/sonar": [intact, damaged, intact]})
    errors = []

    frames = list(open_frames(path, errors.append))

    assert [frame.index for frame in frames] == [0, 2]
    assert len(errors) == 1 and "frame 1: the image cannot be decoded" in str(errors[0])


@pytest.mark.parametrize("ros, storage", STORAGES)
def test_a_truncated_bag_is_an_error(tmp_path, ros, storage):
    path = bag(tmp_path, ros, storage, lambda store, _: image(store, np.zeros((40, 50), np.uint8), 1.0, ros=ros))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])

    with pytest.raises(FrameReadError):
        list(open_frames(path))
