"""Write the pictures of a report: the frames with detections, a timeline, and a map of the objects."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sonar_debris.frames import Frame, FrameReadError
from sonar_debris.frames.geometry import polar_to_metres
from sonar_debris.outputs.pictures import to_uint8
from sonar_debris.survey.folder import open_source_frames
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres

JPEG_QUALITY = 85
TIMELINE_BINS = 80


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


def write_pictures(store: SurveyStore, report: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write a picture of each frame with detections; the page draws the boxes.

    Pictures that exist are kept. A frame whose file cannot be read any more has none.

    Args:
        store: the survey.
        report: the report's folder.
        progress: called with the number of frames whose picture exists, and with their total.
    """
    frames = store.frames_with_detections()
    missing: dict[int, set[int]] = {}
    for source, position in frames:
        if not (report / picture_name(source, position)).is_file():
            missing.setdefault(source, set()).add(position)
    done = len(frames) - sum(map(len, missing.values()))
    for source, positions in missing.items():
        (report / picture_name(source, 0)).parent.mkdir(parents=True, exist_ok=True)
        try:
            for frame in open_source_frames(store, source, on_error=_ignore):
                if frame.index in positions:
                    _write_picture(report / picture_name(source, frame.index), frame)
                    done += 1
                    if progress:
                        progress(done, len(frames))
        except FrameReadError:
            continue


def _ignore(error: FrameReadError) -> None:
    """Skip a damaged frame: the survey has recorded it already."""


def _write_picture(path: Path, frame: Frame) -> None:
    """Write a JPEG file whose brightest echo is white; the file appears only when it is complete."""
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
    is_timed = len(detections) > 0 and bool(detections["time"].notna().all())
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
