import os
from pathlib import Path

import pytest

from sonar_debris.outputs.folder import OutputError, open_output_folder


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
