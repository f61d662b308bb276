from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import Crop, read_crops, read_watertank
from sonar_debris.datasets.splits import FOLDS, hold_out_scenes, select_crops, select_frames
from sonar_debris.errors import SonarDebrisError

PARTS = {"random": ("train", "val", "test"), "scene": FOLDS}


def names(items):
    return [item.name for item in items]


def frames_of(*names):
    return [LabelledFrame(name, Path(f"{name}.png"), np.zeros((0, 4), np.float32), np.zeros(0, int)) for name in names]


@pytest.fixture
def table(tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "frames.csv").write_text("frame,scene,fold,random\na,s0,0,train\nb,s0,0,test\nc,s1,1,val\n")
    (tmp_path / "splits" / "crops.csv").write_text("crop,fold,random\ncan-0,0,train\ncan-1,1,test\n")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "part", "chosen"),
    [
        ("random", "train", ["a"]),
        ("random", ["train", "val"], ["a", "c"]),
        ("scene", "0", ["a", "b"]),
        ("scene", 1, ["c"]),
        ("scene", (0, 1), ["a", "b", "c"]),
        ("scene", (), []),
    ],
)
def test_the_table_decides(table, split, part, chosen):
    assert names(select_frames(table, frames_of("a", "b", "c"), split, part)) == chosen


def test_frames_that_the_table_does_not_know_are_in_no_part(table):
    assert names(select_frames(table, frames_of("a", "z"), "scene", (0, 1))) == ["a"]


@pytest.mark.parametrize(("split", "part", "chosen"), [("random", "test", ["can-1"]), ("scene", 0, ["can-0"])])
def test_the_table_of_crops_decides(table, split, part, chosen):
    crops = [Crop(f"can-{k}", Path(f"can-{k}.png"), 0) for k in range(2)]

    assert names(select_crops(table, crops, split, part)) == chosen


@pytest.mark.parametrize("split", ["random", "scene"])
def test_computed_parts_are_disjoint_and_leave_no_frame_out(tiny_release, split):
    frames = read_watertank(tiny_release)

    parts = [names(select_frames(tiny_release, frames, split, part)) for part in PARTS[split]]

    assert sorted(sum(parts, [])) == names(frames)
    assert all(parts)
    assert parts == [names(select_frames(tiny_release, frames, split, part)) for part in PARTS[split]]


def test_computed_random_parts_are_70_20_and_10_percent(tiny_release):
    frames = frames_of(*map(str, range(200)))

    counts = [len(select_frames(tiny_release, frames, "random", part)) for part in PARTS["random"]]

    assert counts == [140, 40, 20]


def test_computed_folds_keep_scenes_together(tiny_release):
    frames = read_watertank(tiny_release)

    for fold in FOLDS:
        chosen = names(select_frames(tiny_release, frames, "scene", fold))
        scenes = {name[:-1] for name in chosen}
        assert len(chosen) == 5 * len(scenes)


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
def test_no_such_split_or_part(table, split, part, message):
    with pytest.raises(SonarDebrisError, match=message):
        select_frames(table, frames_of("a"), split, part)


def test_no_such_split_without_a_table(tiny_release):
    with pytest.raises(SonarDebrisError, match="no split 'odd': choose one of"):
        select_frames(tiny_release, frames_of("a"), "odd", "train")


def test_a_table_without_the_column(tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "frames.csv").write_text("file,fold\na,0\n")

    with pytest.raises(SonarDebrisError, match="frames.csv: no column 'frame'"):
        select_frames(tmp_path, frames_of("a"), "scene", 0)


@pytest.mark.parametrize(("split", "count"), [("scene", 4), ("random", 1)])
def test_too_few_frames(tiny_release, split, count):
    with pytest.raises(SonarDebrisError, match="too few frames to split"):
        select_frames(tiny_release, read_watertank(tiny_release)[:count], split, PARTS[split][0])


def test_too_few_crops(tiny_release):
    with pytest.raises(SonarDebrisError, match="too few crops"):
        select_crops(tiny_release, read_crops(tiny_release)[:1], "random", "train")


def test_crops_alone_do_not_tell_their_scene(tiny_release):
    with pytest.raises(SonarDebrisError, match="crops do not tell their scene; use --split random"):
        select_crops(tiny_release, read_crops(tiny_release), "scene", 0)


def test_the_release(real_data):
    frames, crops = read_watertank(real_data), read_crops(real_data)

    for split, parts in PARTS.items():
        chosen = [names(select_frames(real_data, frames, split, part)) for part in parts]
        assert all(chosen) and sorted(sum(chosen, [])) == sorted(names(frames))
    assert len(select_crops(real_data, crops, "scene", FOLDS)) == 1980
    assert len(select_crops(real_data, crops, "random", "train")) == 1386


def frames_that_show(folder, *scenes):
    """Frames, each a noisy picture of a scene."""
    for number, scene in enumerate(scenes):
        pattern = cv2.resize(np.random.default_rng(scene).uniform(0, 200, (6, 4)), (80, 120))
        noise = np.random.default_rng((scene, number)).normal(0, 5, pattern.shape)
        cv2.imwrite(str(folder / f"{number:02}.png"), np.uint8(np.clip(pattern + noise, 0, 255)))
    return [
        LabelledFrame(f"{number:02}", folder / f"{number:02}.png", np.zeros((0, 4), np.float32), np.zeros(0, int))
        for number in range(len(scenes))
    ]


def test_whole_scenes_of_about_the_share_are_held_out(tmp_path):
    scenes = [0] * 8 + [1] * 4 + [2] * 3 + [3] * 5
    train, val = (
        {scenes[int(frame.name)] for frame in part} for part in hold_out_scenes(frames_that_show(tmp_path, *scenes))
    )

    assert train == {0, 2, 3} and val == {1}


@pytest.mark.parametrize("scenes", [[0] * 20, [0] * 19 + [1], [1] + [0] * 19])
def test_where_one_scene_is_nearly_all_the_last_frames_are_held_out(tmp_path, scenes):
    frames = frames_that_show(tmp_path, *scenes)
    train, val = hold_out_scenes(frames)

    assert names(train) == names(frames[:16]) and names(val) == names(frames[16:])
