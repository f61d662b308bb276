from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import Crop, read_crops, read_watertank
from sonar_debris.datasets.splits import (
    FOLDS,
    SPLITS,
    group_scenes,
    hold_out_scenes,
    scenes_of,
    select_crops,
    select_frames,
    split_parts,
)
from sonar_debris.errors import SonarDebrisError

NO_BOXES = np.zeros((0, 4), np.float32), np.zeros(0, int)


def names(items):
    return [item.name for item in items]


def labelled_frames(*names):
    return [LabelledFrame(name, Path(f"{name}.png"), *NO_BOXES) for name in names]


@pytest.fixture
def release_with_tables(tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "frames.csv").write_text("frame,scene,fold,random\na,s0,0,train\nb,s0,0,test\nc,s1,1,val\n")
    (tmp_path / "splits" / "crops.csv").write_text("crop,fold,random\ncan-0,0,train\ncan-1,1,test\n")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "part", "selected"),
    [
        ("random", "train", ["a"]),
        ("random", ["train", "val"], ["a", "c"]),
        ("scene", "0", ["a", "b"]),
        ("scene", 1, ["c"]),
        ("scene", (0, 1), ["a", "b", "c"]),
        ("scene", (), []),
    ],
)
def test_the_table_defines_the_split(release_with_tables, split, part, selected):
    assert names(select_frames(release_with_tables, labelled_frames("a", "b", "c"), split, part)) == selected


def test_frames_that_are_not_in_the_table_belong_to_no_part(release_with_tables):
    assert names(select_frames(release_with_tables, labelled_frames("a", "z"), "scene", (0, 1))) == ["a"]


@pytest.mark.parametrize(("split", "part", "selected"), [("random", "test", ["can-1"]), ("scene", 0, ["can-0"])])
def test_the_table_of_crops_defines_the_split(release_with_tables, split, part, selected):
    crops = [Crop(f"can-{k}", Path(f"can-{k}.png"), 0) for k in range(2)]

    assert names(select_crops(release_with_tables, crops, split, part)) == selected


@pytest.mark.parametrize("split", ["random", "scene"])
def test_computed_parts_are_disjoint_complete_and_reproducible(tiny_release, split):
    frames = read_watertank(tiny_release)

    parts = [names(select_frames(tiny_release, frames, split, part)) for part in split_parts(split)]

    assert sorted(sum(parts, [])) == names(frames)
    assert all(parts)
    assert parts == [names(select_frames(tiny_release, frames, split, part)) for part in split_parts(split)]


def test_computed_random_parts_are_70_20_and_10_percent(tiny_release):
    frames = labelled_frames(*map(str, range(200)))

    counts = [len(select_frames(tiny_release, frames, "random", part)) for part in split_parts("random")]

    assert counts == [140, 40, 20]


def test_computed_folds_keep_scenes_together(tiny_release):
    frames = read_watertank(tiny_release)

    for fold in FOLDS:
        selected = names(select_frames(tiny_release, frames, "scene", fold))
        scenes = {name[:-1] for name in selected}
        assert len(selected) == 5 * len(scenes)


def test_computed_crop_parts_are_70_and_30_percent_of_each_class(tiny_release):
    crops = [Crop(f"{label}-{k}", Path(), label) for label in (0, 1) for k in range(20)]

    train, test = (select_crops(tiny_release, crops, "random", part) for part in ("train", "test"))

    assert [sum(crop.class_id == label for crop in train) for label in (0, 1)] == [14, 14]
    assert sorted(names(train + test)) == sorted(names(crops))


@pytest.mark.parametrize(
    ("split", "part", "message"),
    [
        ("odd", "train", "no split 'odd': choose one of scene, random"),
        ("random", "training", "no part training in this split: choose among test, train, val"),
        ("scene", ("0", "7", "9"), "no part 7, 9 in this split: choose among 0, 1"),
    ],
)
def test_an_unknown_split_or_part_is_an_error(release_with_tables, split, part, message):
    with pytest.raises(SonarDebrisError, match=message):
        select_frames(release_with_tables, labelled_frames("a"), split, part)


def test_an_unknown_split_without_a_table_is_an_error(tiny_release):
    with pytest.raises(SonarDebrisError, match="no split 'odd': choose one of"):
        select_frames(tiny_release, labelled_frames("a"), "odd", "train")
    with pytest.raises(SonarDebrisError, match="no split 'odd': choose one of"):
        select_crops(tiny_release, read_crops(tiny_release), "odd", "train")


def test_a_table_without_the_column_is_an_error(tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "frames.csv").write_text("file,fold\na,0\n")

    with pytest.raises(SonarDebrisError, match="frames.csv: no column 'frame'"):
        select_frames(tmp_path, labelled_frames("a"), "scene", 0)


@pytest.mark.parametrize(("split", "count"), [("scene", 4), ("random", 1)])
def test_too_few_frames_are_an_error(tiny_release, split, count):
    with pytest.raises(SonarDebrisError, match="too few frames to split"):
        select_frames(tiny_release, read_watertank(tiny_release)[:count], split, split_parts(split)[0])


def test_too_few_crops_are_an_error(tiny_release):
    with pytest.raises(SonarDebrisError, match="too few crops"):
        select_crops(tiny_release, read_crops(tiny_release)[:1], "random", "train")


def test_the_scene_split_of_crops_needs_a_table(tiny_release):
    with pytest.raises(SonarDebrisError, match="the scenes of the crops are unknown; use --split random"):
        select_crops(tiny_release, read_crops(tiny_release), "scene", 0)


def test_splits_of_the_release(real_data):
    frames, crops = read_watertank(real_data), read_crops(real_data)

    for split in SPLITS:
        selected = [names(select_frames(real_data, frames, split, part)) for part in split_parts(split)]
        assert all(selected) and sorted(sum(selected, [])) == sorted(names(frames))
    assert len(select_crops(real_data, crops, "scene", FOLDS)) == 1980
    assert len(select_crops(real_data, crops, "random", "train")) == 1386


def write_frames_of_scenes(folder, *scenes):
    """Write one noisy image for each scene number."""
    for number, scene in enumerate(scenes):
        pattern = cv2.resize(np.random.default_rng(scene).uniform(0, 200, (6, 4)), (80, 120))
        noise = np.random.default_rng((scene, number)).normal(0, 5, pattern.shape)
        cv2.imwrite(str(folder / f"{number:02}.png"), np.uint8(np.clip(pattern + noise, 0, 255)))
    return [LabelledFrame(f"{number:02}", folder / f"{number:02}.png", *NO_BOXES) for number in range(len(scenes))]


def test_whole_scenes_with_about_a_fifth_of_the_frames_are_held_out(tmp_path):
    scenes = [0] * 8 + [1] * 4 + [2] * 3 + [3] * 5
    parts = hold_out_scenes(write_frames_of_scenes(tmp_path, *scenes))

    train_scenes, val_scenes = ({scenes[int(frame.name)] for frame in part} for part in parts)

    assert train_scenes == {0, 2, 3} and val_scenes == {1}


def write_fans_of_scenes(folder, *scenes):
    """Write frames as a sonar records them: a fan of weak echoes, with black corners in every frame."""
    rows, cols = np.mgrid[:120, :80]
    radius, angle = np.hypot(130 - rows, cols - 40), np.arctan2(cols - 40, 130 - rows)
    fan = (radius > 20) & (radius < 125) & (np.abs(angle) < 0.28)
    for number, scene in enumerate(scenes):
        floor = cv2.resize(np.random.default_rng(scene).uniform(60, 100, (6, 4)), (80, 120))
        noise = np.random.default_rng((scene, number)).normal(0, 3, floor.shape)
        cv2.imwrite(str(folder / f"{number:02}.png"), np.uint8(np.where(fan, floor + noise, 0)))
    return [LabelledFrame(f"{number:02}", folder / f"{number:02}.png", *NO_BOXES) for number in range(len(scenes))]


def test_the_outline_of_the_fan_does_not_join_scenes(tmp_path):
    scenes = [0] * 8 + [1] * 4 + [2] * 3 + [3] * 5
    frames = write_fans_of_scenes(tmp_path, *scenes)

    parts = hold_out_scenes(frames)

    assert len(set(group_scenes(frame.load().image for frame in frames))) == 1  # of raw frames
    assert list(map(int, scenes_of(tmp_path, frames))) == scenes
    assert [{scenes[int(frame.name)] for frame in part} for part in parts] == [{0, 2, 3}, {1}]


@pytest.mark.slow
def test_the_frames_of_the_release_show_about_forty_scenes(real_data, tmp_path):
    frames = read_watertank(real_data)

    scenes = np.array(scenes_of(tmp_path, frames))  # a folder without a table
    listed = np.array(scenes_of(real_data, frames))
    _, val = hold_out_scenes(frames)

    assert len(set(listed)) == 36 and len(set(scenes)) == 41
    assert 0.15 < len(val) / len(frames) < 0.25


@pytest.mark.parametrize("scenes", [[0] * 20, [0] * 19 + [1], [1] + [0] * 19])
def test_if_one_scene_has_nearly_all_frames_the_last_frames_are_held_out(tmp_path, scenes):
    frames = write_frames_of_scenes(tmp_path, *scenes)

    train, val = hold_out_scenes(frames)

    assert names(train) == names(frames[:16]) and names(val) == names(frames[16:])


@pytest.fixture
def layouts():
    """Three uncorrelated images of smooth noise, ``(48, 64)`` each."""
    rng = np.random.default_rng(3)
    return [cv2.resize(rng.uniform(0, 1, (4, 5)), (64, 48), interpolation=cv2.INTER_LINEAR) for _ in range(3)]


def test_noisy_copies_share_a_scene_and_other_layouts_do_not(layouts):
    rng = np.random.default_rng(0)
    images = [layout + rng.normal(0, 0.05, layout.shape) for layout in layouts for _ in range(2)]

    np.testing.assert_array_equal(group_scenes(images), [0, 0, 1, 1, 2, 2])


def test_gain_does_not_change_the_scene(layouts):
    assert len(set(group_scenes([layouts[0], 0.5 * layouts[0] + 0.2]))) == 1


def test_frames_linked_by_a_third_frame_share_a_scene(layouts):
    first, second, _ = layouts
    between = first / first.std() + second / second.std()

    assert len(set(group_scenes([first, second], 0.5))) == 2
    assert len(set(group_scenes([first, second, between], 0.5))) == 1


def test_each_flat_frame_is_its_own_scene():
    np.testing.assert_array_equal(group_scenes(np.zeros((3, 48, 64), np.uint8)), [0, 1, 2])
