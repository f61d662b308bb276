"""Read frames of a survey again, in the way that the survey read them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.frame import ALL_FRAMES, Frame, FrameSelection
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.survey.folder import read_settings
from sonar_debris.survey.store import SurveyStore


def stored_selection(store: SurveyStore) -> FrameSelection:
    """Return how the frames of a survey were read, to read any of them again: topic, mirroring, heading offset.

    Raises:
        SonarDebrisError: the settings are neither in the database nor in the manifest.
    """
    settings = read_settings(store)
    names = {field.name for field in fields(FrameSelection)} - {"frames"}
    return FrameSelection(**{name: settings[name] for name in names if settings.get(name) is not None})


def open_source_frames(
    store: SurveyStore, source: int | str, on_error: Callable[[FrameReadError], None] | None = None
) -> Iterator[Frame]:
    """Read the frames of a source of a survey again, in the way that the survey read them.

    Args:
        store: the survey.
        source: id or name of the source.
        on_error: called for each damaged frame, which is then skipped; by default the error is raised.

    Returns:
        The frames, one at a time.

    Raises:
        FrameReadError: the file is missing or cannot be read.
    """
    return open_frames(_find_file(store, source), on_error, _selection(store))


def read_frame(store: SurveyStore, source: int, position: int) -> Frame:
    """Read one frame of a survey again.

    Args:
        store: the survey.
        source: id of the source.
        position: position of the frame in its source.

    Returns:
        The frame.

    Raises:
        FrameReadError: the file is missing or cannot be read, or has no such frame.
    """
    path = _find_file(store, source)
    selection = replace(_selection(store), frames=slice(position, position + 1))
    for frame in open_frames(path, None, selection, _range_window(store)):
        return frame
    raise FrameReadError(os.fspath(path), "the file has no such frame any more", position)


def _find_file(store: SurveyStore, source: int | str) -> Path:
    path = store.source_path(source)
    if path is None:
        name = source if isinstance(source, str) else store.source_names().get(source, f"source {source}")
        raise FrameReadError(name, "no such file any more; was it moved, or a disk not connected?")
    return path


def _range_window(store: SurveyStore) -> RangeWindow | None:
    """Return the range and field of view that the survey was run with."""
    settings: dict[str, Any] | None = store.settings().get("range_window")
    if not settings:
        return None
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    return RangeWindow(**values)


def _selection(store: SurveyStore) -> FrameSelection:
    try:
        return stored_selection(store)
    except SonarDebrisError:  # a survey of an old version, without its manifest
        return ALL_FRAMES
