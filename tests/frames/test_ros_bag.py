import bz2
import os
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="the extra ros is not installed")

import lz4.frame
from rosbags.rosbag1 import reader
from ruamel.yaml import YAML

from sonar_debris.frames import FrameReadError, FrameReadWarning, FrameSelection, open_frames, ros_files
from sonar_debris.frames.description import describe
from sonar_debris.frames.loader import count_frames, find_files
from sonar_debris.frames.readers import find_format
from sonar_debris.frames.ros_messages import compute_bearings
from tests.ros_bags import compressed_image, header, image, projected, split_bag, typestore, write_bag

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

    choice = r"choose with --topic among /a \(sensor_msgs/msg/Image\), /b \(sensor_msgs/msg/Image\)"
    with pytest.raises(FrameReadError, match=f"several topics have frames; {choice}"):
        list(open_frames(path))
    with pytest.raises(FrameReadError, match=f"no topic /c with frames; {choice}"):
        list(open_frames(path, selection=FrameSelection(topic="/c")))
    (frame,) = open_frames(path, selection=FrameSelection(topic="/b"))
    assert frame.image.max() == 1


def test_a_bag_without_frames_is_an_error(tmp_path):
    path = bag(tmp_path, 2, "mcap", lambda store, _: header(store, 1.0))

    with pytest.raises(FrameReadError, match=r"no topic of the bag has frames.* topics: /sonar \(std_msgs/msg/Header"):
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


def grey_images(levels, store=None):
    """Return one image message per grey level."""
    store = store or typestore()
    return [image(store, np.full((4, 5), level, np.uint8), 1.0 + level) for level in levels]


def levels(path, errors=None, **selection):
    """Read a recording and return index and grey level of each frame."""
    frames = open_frames(path, errors.append if errors is not None else None, FrameSelection(**selection))
    return [(frame.index, round(frame.image.max() * 255)) for frame in frames]


@pytest.mark.parametrize("topic", ["/a", "/b"])
def test_the_frames_of_the_selected_topic_are_counted_and_described(tmp_path, topic):
    topics = {"/a": grey_images([1, 2]), "/b": grey_images([3, 4, 5]), "/c": [header(typestore(), 1.0)]}
    path = write_bag(tmp_path / "dive", topics)
    expected = {"/a": 2, "/b": 3}[topic]

    assert count_frames(path, FrameSelection(topic=topic)) == expected
    assert describe(path, FrameSelection(topic=topic))["frames"] == expected
    assert count_frames(path) == 1  # without a topic it is one failure


def test_the_description_lists_topics_with_their_types(tmp_path):
    path = write_bag(tmp_path / "dive", {"/a": grey_images([1])})

    assert describe(path)["topics"] == "/a (sensor_msgs/msg/Image)"


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compression", ["FILE", "MESSAGE"])
def test_bags_compressed_with_zstd_are_read(tmp_path, storage, compression):
    path = write_bag(tmp_path / "dive", {"/sonar": grey_images([1, 2, 3])}, 2, storage, compression)

    assert (path.suffix == ".zstd") == (compression == "FILE")
    assert levels(path) == levels(tmp_path / "dive") == [(0, 1), (1, 2), (2, 3)]
    assert count_frames(path) == describe(path)["frames"] == 3


def test_compressed_bags_in_a_folder_are_found(tmp_path):
    write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3", "FILE")
    np.save(tmp_path / "other.npy", np.ones((4, 5)))

    assert [frame.name for frame in open_frames(tmp_path)] == ["dive/dive.db3.zstd", "other.npy"]


def test_a_bag_that_is_present_packed_and_unpacked_is_read_once(tmp_path):
    packed = write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3", "FILE")
    unpacked = write_bag(tmp_path / "copy", {"/sonar": grey_images([1])}, 2, "sqlite3")
    unpacked.rename(packed.with_suffix(""))
    (tmp_path / "copy" / "metadata.yaml").unlink()

    assert [file.name for file in find_files(tmp_path, pytest.fail)] == ["dive.db3"]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"no zstd" + data])
def test_a_compressed_bag_that_is_damaged_is_reported_with_how_to_unpack_it(tmp_path, damage):
    path = write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3", "FILE")
    path.write_bytes(damage(path.read_bytes()))
    errors = []

    assert levels(path, errors) == []
    assert len(errors) == 1 and "it cannot be unpacked" in str(errors[0]) and "zstd -d" in str(errors[0])


def test_no_unpacked_file_is_left_behind(tmp_path, monkeypatch):
    path = write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3", "FILE")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    levels(path)
    ros_files._unpack.cache_clear()

    assert [folder.name for folder in tmp_path.iterdir()] == ["dive"]


@pytest.mark.parametrize("compression", [None, "FILE", "MESSAGE"])
def test_a_split_recording_is_one_sequence(tmp_path, compression):
    metadata = split_bag(
        tmp_path / "dive", [grey_images([1, 2]), grey_images([3, 4]), grey_images([5])], "/s", compression
    )
    expected = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]

    assert find_files(tmp_path, pytest.fail) == [metadata]
    assert levels(tmp_path / "dive") == levels(metadata) == expected
    assert [frame.name for frame in open_frames(tmp_path)] == ["dive/metadata.yaml"] * 5
    assert count_frames(metadata) == count_frames(tmp_path) == 5
    assert levels(metadata, frames=slice(1, None, 2)) == expected[1::2]
    assert levels(metadata, frames=slice(3, 4)) == expected[3:4]
    description = describe(metadata)
    assert (description["frames"], description["topics"]) == (5, "/s (sensor_msgs/msg/Image)")


def test_one_file_of_a_split_recording_is_read_by_itself(tmp_path):
    split_bag(tmp_path / "dive", [grey_images([1, 2]), grey_images([3])])

    assert levels(tmp_path / "dive" / "dive_1.db3") == [(0, 3)]


@pytest.mark.parametrize("damage", ["missing", "damaged", "a pipe"])
def test_an_unreadable_file_of_a_split_recording_costs_only_its_own_frames(tmp_path, damage):
    metadata = split_bag(tmp_path / "dive", [grey_images([1, 2]), grey_images([3, 4]), grey_images([5])])
    path = metadata.with_name("dive_1.db3")
    if damage == "damaged":
        path.write_bytes(b"no database")
    else:
        path.unlink()
    if damage == "a pipe":
        os.mkfifo(path)
    errors = []

    assert levels(metadata, errors) == [(0, 1), (1, 2), (4, 5)]
    assert len(errors) == 1
    assert str(errors[0]).startswith(
        f"{metadata}: dive_1.db3: "
    ) and "the other files of the recording were read" in str(errors[0])


def test_files_after_an_unreadable_file_are_not_read_if_their_position_is_not_known(tmp_path):
    metadata = split_bag(tmp_path / "dive", [grey_images([1]), grey_images([2]), grey_images([3])])
    content = YAML(typ="safe").load(metadata)
    del content["rosbag2_bagfile_information"]["files"]
    YAML(typ="safe").dump(content, metadata)
    metadata.with_name("dive_1.db3").unlink()
    errors = []

    assert levels(metadata, errors) == [(0, 1)]
    assert "the files after it were not read: give them one by one" in str(errors[0])


def test_files_of_a_folder_whose_metadata_are_damaged_are_read_one_by_one(tmp_path):
    metadata = split_bag(tmp_path / "dive", [grey_images([1]), grey_images([2])])
    metadata.write_text("rosbag2_bagfile_information: {version: [")

    assert [frame.name for frame in open_frames(tmp_path / "dive")] == ["dive_0.db3", "dive_1.db3"]
    with pytest.raises(FrameReadError, match="the metadata of the bag are damaged"):
        list(open_frames(metadata))


def test_metadata_of_other_programs_are_no_recording(tmp_path):
    np.save(tmp_path / "dive.npy", np.ones((4, 5)))
    (tmp_path / "metadata.yaml").write_text("title: calm sea")

    assert [file.name for file in find_files(tmp_path, pytest.fail)] == ["dive.npy"]
    with pytest.raises(FrameReadError, match="not the metadata of a ROS 2 bag"):
        list(open_frames(tmp_path / "metadata.yaml"))


@pytest.mark.parametrize(
    "name", ["dive #1.db3", "a?b.db3", "50%25.db3", "DIVE.DB3", "海.db3", "a\udcff.db3", "Dive.MCAP", "DIVE.BAG"]
)
def test_bags_may_have_any_name(tmp_path, name):
    suffix = Path(name).suffix.lower()
    (tmp_path / "written").mkdir()
    ros = 1 if suffix == ".bag" else 2
    pixels = np.full((4, 5), 9, np.uint8)
    storage = "mcap" if suffix == ".mcap" else "sqlite3"
    path = bag(tmp_path / "written", ros, storage, lambda store, _: image(store, pixels, 1.0, ros=ros), 2)
    path = path.rename(tmp_path / name)

    assert levels(path) == [(0, 9), (1, 9)]


@pytest.mark.parametrize("ahead, starboard, bearing", [("z", -1, 20), ("z", 1, -20), ("x", 1, 20), ("x", -1, -20)])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_side_of_starboard_follows_the_axis_ahead_and_can_be_mirrored(tmp_path, ahead, starboard, bearing, mirror):
    echoes = np.zeros((200, 81), np.uint8)
    echoes[100:104, 59:62] = 255  # at 20 degrees
    angles = np.linspace(-40, 40, 81)
    path = bag(
        tmp_path, 2, "mcap",
        lambda store, _: projected(store, echoes, angles, RANGES, 5.0, ahead=ahead, starboard=starboard), 1,
    )  # fmt: skip
    selection = FrameSelection(mirror=mirror)

    (frame,) = open_frames(path, selection=selection)

    rows, cols = frame.image.nonzero()
    (_, measured) = frame.geometry.to_polar(np.stack([cols, rows], -1) + 0.5).mean(axis=0)
    assert measured == pytest.approx(-bearing if mirror else bearing, abs=0.3)
    description = describe(path, selection)
    assert description["bearing_convention"] == f"{ahead} ahead, starboard is {'-' if ahead == 'z' else '+'}y"
    assert description.get("mirrored") == (True if mirror else None)


@pytest.mark.parametrize("turn", [0, 90])
def test_a_fan_that_begins_at_an_axis_is_turned_until_its_middle_is_ahead(tmp_path, turn):
    angles = np.linspace(0, 120, 256) - turn  # measured from the y axis, or from the z axis
    echoes, ranges = np.ones((9, 256), np.uint8), np.arange(1, 10)
    path = bag(tmp_path, 2, "mcap", lambda store, _: projected(store, echoes, angles, ranges, 5.0), 1)

    description = describe(path)

    assert description["field_of_view_deg"] == pytest.approx(120.5, abs=0.1)
    assert "so that the middle of the fan is ahead" in description["bearing_convention"]


def test_a_symmetric_fan_and_a_fan_that_is_off_its_axis_are_not_turned():
    for first, last in ((-65, 65), (-90, 90), (5, 40), (-30, 10)):
        angles = np.radians(np.linspace(first, last, 50))
        directions = [SimpleNamespace(x=0.0, y=-np.sin(angle), z=np.cos(angle)) for angle in angles]
        bearings, convention = compute_bearings(directions)
        assert bearings == pytest.approx(np.degrees(angles)) and "turned" not in convention


def test_echoes_in_decibels_are_read(tmp_path):
    echoes = np.full((200, 40), -np.inf, np.float32)
    echoes[:150] = -60
    echoes[100:104, 20:22] = 0
    echoes[150:, :5] = np.nan
    path = bag(tmp_path, 2, "mcap", lambda store, _: projected(store, echoes, BEARINGS, RANGES, 5.0, dtype=8), 1)

    (frame,) = open_frames(path)

    y, x = np.unravel_index(frame.image.argmax(), frame.image.shape)
    assert frame.geometry.to_polar(np.array([x + 0.5, y + 0.5]))[0] == pytest.approx(RANGES[101], abs=0.06)
    assert frame.image.max() == pytest.approx(1, abs=0.01) and frame.image.min() == 0


@pytest.mark.parametrize("encoding, dtype", [("32FC1", np.float32), ("64FC1", np.float64)])
def test_images_of_floats_may_be_nan_outside_the_fan(tmp_path, encoding, dtype):
    pixels = np.array([[np.nan, 0.25, 0.5], [np.nan, -np.inf, 1]], dtype)
    path = bag(tmp_path, 2, "mcap", lambda store, _: image(store, pixels, 1.0, encoding), 1)

    assert next(open_frames(path)).image.tolist() == [[0, 0.25, 0.5], [0, 0, 1]]


def test_infinite_echoes_are_one_damaged_frame(tmp_path):
    def make(store, number):
        return projected(store, np.full((200, 40), [1, np.inf, 2][number], np.float32), BEARINGS, RANGES, 5.0, dtype=8)

    errors = []

    frames = list(open_frames(bag(tmp_path, 2, "mcap", make), errors.append))

    assert [frame.index for frame in frames] == [0, 2]
    assert "frame 1: the image holds infinite values" in str(errors[0])


def test_padded_rows_of_an_image_are_read(tmp_path):
    pixels = RNG.integers(0, 255, (6, 5), np.uint8)
    path = bag(tmp_path, 2, "mcap", lambda store, _: image(store, pixels, 1.0, padding=3), 1)

    assert np.array_equal(np.rint(next(open_frames(path)).image * 255), pixels)


@pytest.mark.parametrize("suffix, dtype", [(".png", np.uint8), (".png", np.uint16), (".jpg", np.uint8)])
def test_compressed_images_keep_their_depth(tmp_path, suffix, dtype):
    pixels = np.full((16, 16), np.iinfo(dtype).max // 5, dtype)
    path = bag(tmp_path, 2, "mcap", lambda store, _: compressed_image(store, pixels, 1.0, suffix), 1)

    assert next(open_frames(path)).image == pytest.approx(0.2, abs=1e-4)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_a_compressed_image_that_is_damaged_is_one_damaged_frame(tmp_path, data):
    store = typestore()
    intact, damaged = (compressed_image(store, np.zeros((4, 5), np.uint8), 1.0) for _ in range(2))
    object.__setattr__(damaged, "data", np.frombuffer(data, np.uint8))
    errors = []

    frames = list(open_frames(write_bag(tmp_path / "dive", {"/s": [intact, damaged, intact]}), errors.append))

    assert [frame.index for frame in frames] == [0, 2]
    assert "frame 1: the image cannot be decoded" in str(errors[0]) and "BytesIO" not in str(errors[0])


@pytest.mark.parametrize("ros, storage, compression", [*((*kind, None) for kind in STORAGES), (2, "sqlite3", "FILE")])
@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 200),
)
def test_a_damaged_bag_gives_valid_frames_or_errors(ros, storage, compression, damage, cut):
    with tempfile.TemporaryDirectory() as folder:
        content, suffixes = intact_bag(ros, storage, compression)
        data = bytearray(content)
        for position, value in damage:
            data[position % len(data)] = value
        path = Path(folder, f"dive{suffixes}")
        path.write_bytes(data[: len(data) - cut if cut > 150 else None])
        errors = []
        for frame in open_frames(path, errors.append):
            assert frame.image.dtype == np.float32 and np.isfinite(frame.image).all()
        assert all("\n" not in str(error) for error in errors)


@cache
def intact_bag(ros, storage, compression):
    """Return content and suffixes of a small bag."""
    with tempfile.TemporaryDirectory() as folder:
        store = typestore(ros)
        echoes = np.ones((9, 8), np.uint8)
        scan = projected(store, echoes, np.linspace(-30, 30, 8), np.arange(1, 10), 5.0, ros)
        path = Path(folder, "dive.bag" if ros == 1 else "dive")
        path = write_bag(path, {"/sonar": [scan] * 2}, ros, storage or "mcap", compression)
        return path.read_bytes(), "".join(path.suffixes)


METADATA = "rosbag2_bagfile_information: {relative_file_paths: [%s], topics_with_message_count: [%s], %s}"
SPAN = "starting_time: {nanoseconds_since_epoch: 1}, duration: {nanoseconds: 1}"
TOPIC = "{message_count: 3, topic_metadata: {name: /s, type: sensor_msgs/msg/Image}}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rosbag2_bagfile_information: 5", "damaged"),
        ("rosbag2_bagfile_information: [*x]", "damaged"),
        ("rosbag2_bagfile_information:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 900)), "damaged"),
        ("rosbag2_bagfile_information: " + "[" * 200_000, "not the metadata of a ROS 2 bag"),
        ("rosbag2_bagfile_information: " + "x" * 2**20, "not the metadata of a ROS 2 bag"),
        (METADATA % ("", TOPIC, SPAN), "list other files"),
        (METADATA % ("../a.png, b.db3", TOPIC, SPAN), "list other files"),
        (METADATA % ("a.db3", TOPIC.replace("3", "-3"), SPAN), "-3 is not a number of messages"),
        (METADATA % ("a.db3", TOPIC.replace("3", ".nan"), SPAN), "nan is not a number of messages"),
        (METADATA % ("a.db3", TOPIC.replace("3", "9" * 5000), SPAN), "damaged"),
        (METADATA % ("a.db3", TOPIC, "x: y"), "damaged"),
        (METADATA % ("a.db3", "", SPAN), "no topic of the bag has frames.*Its topics: none"),
        (
            METADATA % ("a.db3, b.db3", TOPIC, SPAN),
            "a.db3: No such file or directory; the files after",
        ),
    ],
)
def test_hostile_metadata_are_one_error(tmp_path, text, reason):
    (tmp_path / "metadata.yaml").write_text(text)

    with pytest.raises(FrameReadError, match=reason) as error:
        list(open_frames(tmp_path / "metadata.yaml"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x28\xb5\x2f\xfd", "truncated or too large"), (b"\x28\xb5\x2f\xfd" + b"\xff" * 30, "cannot be unpacked")],
)
def test_a_compressed_message_that_is_damaged_is_an_error(data, reason):
    with pytest.raises(ValueError, match=reason):
        ros_files.unpack_message(data)


def test_a_compressed_message_that_would_fill_the_memory_is_refused(monkeypatch):
    zstd = ros_files._zstd()
    monkeypatch.setattr(ros_files, "MAX_MESSAGE_BYTES", 1000)

    assert ros_files.unpack_message(zstd.compress(bytes(1000))) == bytes(1000)
    with pytest.raises(ValueError, match="truncated or too large"):
        ros_files.unpack_message(zstd.compress(bytes(100_000)))


def test_a_file_is_not_unpacked_onto_a_full_disk(tmp_path, monkeypatch):
    path = write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3", "FILE")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ros_files, "MIN_FREE_BYTES", 2**60)
    errors = []

    assert levels(path, errors) == []
    assert "there is no space to unpack it" in str(errors[0]) and "zstd -d" in str(errors[0])


def test_messages_that_are_not_in_the_database_yet_are_reported(tmp_path):
    path = write_bag(tmp_path / "dive", {"/sonar": grey_images([1])}, 2, "sqlite3")
    path.with_name("dive.db3-wal").write_bytes(b"messages")

    with pytest.warns(FrameReadWarning, match="the messages in dive.db3-wal were not read"):
        assert levels(path) == [(0, 1)]


@pytest.mark.parametrize("size", [2**12, 2**16])
def test_a_chunk_that_would_fill_the_memory_is_refused(size, tmp_path, monkeypatch):
    store = typestore()
    pixels = np.zeros((64, 64), np.uint8)
    path = write_bag(tmp_path / "bag", {"/sonar": [image(store, pixels, 1.0)] * 3}, compression="STORAGE")
    monkeypatch.setattr(ros_files, "MAX_CHUNK_BYTES", size)
    errors: list[FrameReadError] = []

    frames = list(open_frames(path, errors.append))

    assert len(frames) == (3 if size > 3 * pixels.size else 0)
    assert [str(error) for error in errors if "unpacks to more than" not in str(error)] == []
    assert len(frames) or len(errors) == 1


@pytest.mark.parametrize("name, compress", [("bz2", bz2.compress), ("lz4", lz4.frame.compress)])
def test_chunks_of_ros_1_are_unpacked_up_to_a_limit(name, compress, monkeypatch):
    ros_files.limit_chunks()
    unpack = reader.decompressors[name]
    monkeypatch.setattr(ros_files, "MAX_CHUNK_BYTES", 1000)

    assert unpack(compress(b"a" * 1000)) == b"a" * 1000
    with pytest.raises(ValueError, match="more than"):
        unpack(compress(b"a" * 100_000))
    with pytest.raises((ValueError, EOFError)):
        unpack(compress(b"a" * 1000)[:-5])


def test_a_file_that_unpacks_to_far_more_than_a_recording_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ros_files, "MAX_CHUNK_BYTES", 2**16)
    bomb = tmp_path / "bomb.db3.zstd"
    bomb.write_bytes(ros_files._zstd().compress(bytes(2**24)))

    with pytest.raises(FrameReadError, match="unpacks to more than 200 times its size"):
        list(open_frames(bomb))
