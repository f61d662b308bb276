import os
from pathlib import Path

import pytest

from sonar_debris.files import OutputError, check_outside, open_output_folder


def test_folder_is_made_with_its_parents(tmp_path):
    assert open_output_folder(tmp_path / "a" / "b").is_dir()


def test_folder_that_is_there_is_kept(tmp_path):
    (tmp_path / "earlier").touch()

    assert list(open_output_folder(tmp_path).iterdir()) == [tmp_path / "earlier"]


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_file_in_the_way(path, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=f"{path}: a file stands"):
        open_output_folder(tmp_path / path)


def test_folder_that_cannot_be_made(tmp_path, monkeypatch):
    def mkdir(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", mkdir)

    with pytest.raises(OutputError, match=r"cannot make the output folder \(Permission denied\)"):
        open_output_folder(tmp_path / "below")


def test_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # permissions do not bind root

    with pytest.raises(OutputError, match="no permission to write"):
        open_output_folder(tmp_path)


@pytest.mark.parametrize("inside", [".", "found", "deep/found"])
def test_output_among_the_frames_is_refused(tmp_path, inside):
    with pytest.raises(OutputError, match="inside the input folder"):
        check_outside(tmp_path / inside, [tmp_path])


@pytest.mark.parametrize(("output", "folder"), [("link/found", "frames"), ("frames/found", "link")])
def test_links_are_followed(tmp_path, output, folder):
    (tmp_path / "frames").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "frames")

    with pytest.raises(OutputError, match=f"{output}: lies inside the input folder .*{folder};"):
        check_outside(tmp_path / output, ["no-folder", tmp_path / folder])


def test_output_beside_the_frames_is_fine(tmp_path):
    (tmp_path / "frames").mkdir()

    check_outside(tmp_path / "frames-found", [tmp_path / "frames", tmp_path / "ping.png"])
