"""Write the pictures of a report: the frames with detections, a timeline, and a map of the objects."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sonar_debris.files import atomic_text
from sonar_debris.frames import Frame, FrameReadError
from sonar_debris.frames.frame import FIRST_TIME
from sonar_debris.frames.geometry import polar_to_metres
from sonar_debris.outputs.pictures import to_uint8
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.stored_frames import open_source_frames
from sonar_debris.survey.tracking import local_metres

JPEG_QUALITY = 85
TIMELINE_BINS = 80
# Seconds since the epoch that the timeline can show: until the year 3000 or so.
MAX_TIME = 3.25e10
# Which state of each file the pictures show.
STATES_FILE = "data/pictures.json"


def picture_name(source: int, position: int) -> str:
    """Return the path of a frame's picture in the report.

    It does not contain the name of the file, which may hold any characters.

    Args:
        source: id of the frame's source.
        position: position of the frame in its source.

    Returns:
        A relative path.

    Example:
        >>> picture_name(3, 12)
        'frames/3/0000012.jpg'
    """
    return f"frames/{source}/{position:07d}.jpg"


class MissingPictures(NamedTuple):
    """Pictures of a source that could not be made.

    Attributes:
        file: name of the source.
        pictures: number of frames with detections that have no picture.
        reason: why, for the first of them.
    """

    file: str
    pictures: int
    reason: str


def write_pictures(
    store: SurveyStore, report: Path, progress: Callable[[int, int], None] | None = None
) -> list[MissingPictures]:
    """Write a picture of each frame with detections; the page draws the boxes.

    Pictures that exist are kept, unless their file has changed. A frame whose file cannot be read any more has none.

    Args:
        store: the survey.
        report: the report's folder.
        progress: called with the number of frames whose picture exists, and with their total.

    Returns:
        The sources of which pictures could not be made.
    """
    _remove_outdated(store, report)
    frames = store.frames_with_detections()
    to_write: dict[int, set[int]] = {}
    for source, position in frames:
        if not (report / picture_name(source, position)).is_file():
            to_write.setdefault(source, set()).add(position)
    done = len(frames) - sum(map(len, to_write.values()))
    names, missing = store.source_names(), []
    for source, positions in to_write.items():
        (report / picture_name(source, 0)).parent.mkdir(parents=True, exist_ok=True)
        errors: list[FrameReadError] = []
        for frame in _read_again(store, source, errors):
            if frame.index in positions:
                write_picture(report / picture_name(source, frame.index), frame)
                positions.remove(frame.index)
                done += 1
                if progress:
                    progress(done, len(frames))
        if positions:
            reason = errors[0].reason if errors else "the file has no such frame any more"
            missing.append(MissingPictures(names[source], len(positions), reason))
    return missing


def _remove_outdated(store: SurveyStore, report: Path) -> None:
    """Remove the pictures of files that have changed since, and those of another survey."""
    states = {str(source.id): [source.path, *source.state] for source in store.sources()}
    path = report / STATES_FILE
    try:
        drawn = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        drawn = {}
    for folder in report.glob("frames/*"):
        if drawn.get(folder.name) != states.get(folder.name):
            for picture in folder.glob("*.jpg"):
                picture.unlink()
    path.parent.mkdir(exist_ok=True)
    with atomic_text(path) as stream:
        json.dump(states, stream)


def _read_again(store: SurveyStore, source: int, errors: list[FrameReadError]) -> Iterator[Frame]:
    """Yield the frames of a source that can still be read; append the errors of the others."""
    try:
        yield from open_source_frames(store, source, on_error=errors.append)
    except FrameReadError as error:
        errors.append(error)


def write_picture(path: Path, frame: Frame) -> None:
    """Write a JPEG file whose brightest echo is white.

    Args:
        path: the file; it appears only when it is complete.
        frame: the frame.
    """
    _, jpeg = cv2.imencode(".jpg", to_uint8(frame.image), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    part = path.with_suffix(".part")
    part.write_bytes(jpeg.tobytes())
    part.replace(path)


def plot_timeline(store: SurveyStore, path: Path) -> None:
    """Plot the number of detections of each class over time; over the frames if the time of a detection is unknown.

    Args:
        store: the survey.
        path: the SVG file.
    """
    detections = store.timeline_table()
    # The time of a video counts from its start, and one from a damaged header may lie outside of any calendar.
    is_timed = len(detections) > 0 and bool(detections["time"].between(FIRST_TIME, MAX_TIME).all())
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    class_names, values = [], []
    for class_name, rows in detections.groupby("class"):
        class_names.append(str(class_name))
        values.append(_to_datetime(rows["time"]) if is_timed else rows["frame_number"].to_numpy())
    if values:
        axes.hist(values, bins=TIMELINE_BINS, stacked=True, label=class_names, color=_colours(len(class_names)))
        axes.legend(fontsize="small", ncols=2)
    axes.set(xlabel="time (UTC)" if is_timed else "frame", ylabel="detections")
    figure.savefig(path)


def plot_positions(store: SurveyStore, path: Path) -> None:
    """Plot where the objects lie: on a map, or else relative to the sonar; an empty plot if no range is known.

    Args:
        store: the survey.
        path: the SVG file.
    """
    objects = store.object_positions_table()
    located = objects.dropna(subset=["latitude", "longitude"])
    with_range = objects.dropna(subset=["range_m", "bearing_deg"])
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    if len(located):
        origin = f"{located['latitude'].iloc[0]:.6f}, {located['longitude'].iloc[0]:.6f}"
        axes.set(xlabel=f"metres east of {origin}", ylabel="metres north")
        _scatter(axes, located["class"], local_metres(located["latitude"], located["longitude"]))
    elif len(with_range):
        axes.set(xlabel="metres to the right of the sonar", ylabel="metres ahead of the sonar")
        _scatter(axes, with_range["class"], polar_to_metres(with_range[["range_m", "bearing_deg"]].to_numpy()))
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no ranges are known", ha="center")
    figure.savefig(path)


def _scatter(axes: Axes, classes: pd.Series, metres: np.ndarray) -> None:
    """Draw positions ``(N, 2)`` in the colours of their classes ``(N,)``."""
    class_names = sorted(classes.unique())
    for class_name, colour in zip(class_names, _colours(len(class_names)), strict=True):
        x, y = metres[(classes == class_name).to_numpy()].T
        axes.scatter(x, y, label=class_name, color=colour, s=18)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _to_datetime(seconds: pd.Series) -> np.ndarray:
    """Convert seconds since the epoch to datetime64, UTC."""
    return (seconds.to_numpy(float) * 1e6).astype(np.int64).astype("datetime64[us]")


def _colours(count: int) -> list[tuple[float, float, float, float]]:
    return [colormaps["tab20"](number % 20) for number in range(count)]
