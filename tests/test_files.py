import json
import os
from pathlib import Path

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import (
    OutputError,
    UniqueNames,
    atomic_text,
    check_outside,
    check_regular_file,
    check_resume,
    describe_differences,
    open_output_folder,
)

OPTIONS = {"split": "scene", "train": ("1", "2"), "seed": 0}


def test_output_folder_is_created_with_its_parents(tmp_path):
    assert open_output_folder(tmp_path / "a" / "b").is_dir()


def test_existing_output_folder_keeps_its_files(tmp_path):
    (tmp_path / "earlier").touch()

    assert list(open_output_folder(tmp_path).iterdir()) == [tmp_path / "earlier"]


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_output_folder_that_is_a_file_is_refused(path, tmp_path):
    (tmp_path / "file").touch()

    message = f"{path}: cannot create the output folder, a file is in the way; choose another folder"
    with pytest.raises(OutputError, match=message):
        open_output_folder(tmp_path / path)


def test_output_folder_that_cannot_be_created_is_refused(tmp_path, monkeypatch):
    def mkdir(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", mkdir)

    with pytest.raises(OutputError, match=r"cannot create the output folder \(Permission denied\)"):
        open_output_folder(tmp_path / "below")


def test_read_only_output_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # permissions do not bind root

    with pytest.raises(OutputError, match="no permission to write"):
        open_output_folder(tmp_path)


@pytest.mark.parametrize("inside", [".", "results", "deep/results"])
def test_output_inside_an_input_folder_is_refused(tmp_path, inside):
    with pytest.raises(OutputError, match="inside the input folder"):
        check_outside(tmp_path / inside, [tmp_path])


@pytest.mark.parametrize(("output", "folder"), [("link/results", "frames"), ("frames/results", "link")])
def test_links_are_followed(tmp_path, output, folder):
    (tmp_path / "frames").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "frames")

    with pytest.raises(OutputError, match=f"{output}: is inside the input folder .*{folder};"):
        check_outside(tmp_path / output, ["no-folder", tmp_path / folder])


def test_output_next_to_the_frames_is_accepted(tmp_path):
    (tmp_path / "frames").mkdir()

    check_outside(tmp_path / "frames-results", [tmp_path / "frames", tmp_path / "ping.png"])


def test_run_with_the_same_options_may_be_resumed(tmp_path):
    check_resume(tmp_path / "run", OPTIONS)
    check_resume(tmp_path / "run", OPTIONS)

    assert json.loads((tmp_path / "run" / "options.json").read_text())["train"] == ["1", "2"]


@pytest.mark.parametrize("other", [{"seed": 1}, {"test_fold": 2}])
def test_run_with_other_options_is_refused(tmp_path, other):
    check_resume(tmp_path, OPTIONS)

    with pytest.raises(SonarDebrisError, match=f"other options .{next(iter(other))}: .*choose another run folder"):
        check_resume(tmp_path, OPTIONS | other)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_damaged_options_are_refused(tmp_path, content):
    (tmp_path / "options.json").write_text(content)

    with pytest.raises(SonarDebrisError, match="damaged|another"):
        check_resume(tmp_path, OPTIONS)


def test_differences_are_listed_in_the_order_of_the_new_options():
    old, new = {"seed": 0, "model": "a", "gone": 1, "same": 2}, {"model": "b", "seed": 1, "same": 2, "unset": None}

    assert describe_differences(old, new) == ["model: a → b", "seed: 0 → 1", "gone: 1 → None"]


def test_differences_in_a_group_of_options_are_named_one_by_one():
    old = {"schedule": {"epochs": 60, "steps": 160, "seed": 0}}
    new = {"schedule": {"epochs": 48, "steps": 160, "seed": 1}}

    assert describe_differences(old, new) == ["schedule epochs: 60 → 48", "schedule seed: 0 → 1"]


def test_text_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("earlier")

    with pytest.raises(ZeroDivisionError), atomic_text(path) as stream:
        stream.write("half")
        _ = 1 / 0

    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_names_are_unique_where_case_does_not_count():
    names = UniqueNames()

    assert [names.unique(stem) for stem in ("a", "A", "a", "a-2", "b")] == ["a", "A-2", "a-3", "a-2-2", "b"]


def test_only_regular_files_are_accepted(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")

    check_regular_file(tmp_path / "file")
    check_regular_file(tmp_path / "link")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="not a regular file") as error:
            check_regular_file(tmp_path / name)
        assert error.value.filename == str(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        check_regular_file(tmp_path / "missing")
