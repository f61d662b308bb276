"""Open and count the frames of files and folders."""

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from sonar_debris.errors import printable_name
from sonar_debris.files import check_regular_file
from sonar_debris.frames.frame import (
    ALL_FRAMES,
    DamagedFrame,
    Frame,
    FrameGeometryWarning,
    FrameReadError,
    FrameReadWarning,
    FrameSelection,
    RawFrame,
    TruncatedFile,
    natural_sort_key,
    shift_slice,
)
from sonar_debris.frames.range_window import RangeWindow, RecordingFan
from sonar_debris.frames.readers import find_format, is_recognised, known_formats
from sonar_debris.frames.ros_files import is_metadata, is_packed, split_files
from sonar_debris.frames.sidecar import apply_sidecar

OnError = Callable[[FrameReadError], None]

# Number of frames on which the fan of a recording or of the images in a folder is measured. In a recording that can
# only be read from its beginning, they are among the first frames.
FAN_SAMPLES, SEQUENTIAL_SPAN = 16, 512


def open_frames(
    path: str | os.PathLike[str],
    on_error: OnError | None = None,
    selection: FrameSelection = ALL_FRAMES,
    window: RangeWindow | None = None,
) -> Iterator[Frame]:
    """Open a file or a folder as a stream of frames; one frame is in memory at a time.

    A folder is read with all its subfolders, in natural order (``ping-2`` before ``ping-10``). Files of other formats,
    hidden files and folders, and links to folders are skipped.

    Args:
        path: a file of a known format (an image, an array, a video, a recording) or a folder.
        on_error: called with the error of each file, frame or subfolder that cannot be read; the iteration continues
            after it. By default the error is raised.
        selection: the frames to read, by their position in the file, or among all frames of the folder.
        window: the sonar's settings, for frames whose file has no geometry.

    Returns:
        An iterator of frames.

    Raises:
        FrameReadError: at the call, if the path is missing, a file of an unknown format, or a folder without a file of
            a known format; during the iteration, if a file cannot be read and ``on_error`` is None.

    Warns:
        FrameReadWarning: during the iteration, if a file is truncated.
        FrameGeometryWarning: during the iteration, if ``window`` seems to be wrong for all frames or for some.

    Example:
        >>> for frame in open_frames("survey/"):  # doctest: +SKIP
        ...     print(frame.name, frame.image.shape)
    """
    name, on_error = printable_name(os.fspath(path)), on_error or _raise_error
    formats = f"known formats: {' '.join(known_formats())}"
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise FrameReadError(name, _get_reason(error)) from error
    path = Path(path)
    if is_folder:
        files = [(file, printable_name(file.relative_to(path).as_posix())) for file in find_files(path, on_error)]
        if not files:
            raise FrameReadError(name, f"the folder holds no frames; {formats}")
    elif is_recognised(path):
        files = [(path, name)]
    else:
        raise FrameReadError(name, f"not a file of frames; {formats}")
    return _read_files(files, on_error, selection, window)


def find_files(folder: Path, on_error: OnError) -> list[Path]:
    """List the files of a folder that `open_frames` reads.

    Args:
        folder: the folder; its subfolders are searched too.
        on_error: called with the error of each subfolder that cannot be searched.

    Returns:
        The files of known formats, and the recordings in unsupported formats, which are errors. In natural order. Of a
        ROS 2 recording that was split into several files, the ``metadata.yaml`` that lists them; of a file that is
        present packed and unpacked, the unpacked one.
    """
    files: set[Path] = set()
    for parent, subfolders, names in os.walk(folder, onerror=partial(_report_folder, folder, on_error)):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        files |= {Path(parent, name) for name in names if not name.startswith(".")}
    parts_of = {file: split_files(file) for file in files if is_metadata(file)}
    hidden = {file for file, parts in parts_of.items() if not parts}.union(*parts_of.values())
    hidden |= {file for file in files if is_packed(file) and is_recognised(file) and file.with_suffix("") in files}
    return sorted((file for file in files if is_recognised(file) and file not in hidden), key=_natural_key)


def count_frames(path: str | os.PathLike[str], selection: FrameSelection = ALL_FRAMES) -> int | None:
    """Count the selected frames of a file or folder without decoding them.

    The number is an estimate: damaged frames are counted, a file that cannot be read counts as one frame, and some
    videos have no exact number.

    Args:
        path: a file or a folder.
        selection: the frames that are to be read.

    Returns:
        The number of frames; None if it is not known before the frames are read.
    """
    path = Path(path)
    files = find_files(path, lambda error: None) if path.is_dir() else [path]
    total = 0
    for file in files:
        count = _count_file(file, selection, estimate=True)
        if count is None:
            return None
        total += count
    return selection.count(total)


def _read_files(
    files: list[tuple[Path, str]], on_error: OnError, selection: FrameSelection, window: RangeWindow | None
) -> Iterator[Frame]:
    fans = _FanFinder(window, selection.topic) if window else None
    for path, name, file_selection in _select_files(files, selection):
        try:
            _check_file(path)
            for item in find_format(path).read(path, file_selection):
                if isinstance(item, TruncatedFile):
                    warnings.warn(FrameReadWarning(name, item.reason), stacklevel=2)
                    continue
                frame = item if isinstance(item, DamagedFrame) else _complete_frame(item, path, name, fans)
                if isinstance(frame, DamagedFrame):
                    on_error(FrameReadError(name, frame.reason, frame.index))
                else:
                    yield _adjust_frame(frame, selection)
        except (OSError, ValueError) as error:
            on_error(FrameReadError(name, _get_reason(error)))
    if fans:
        for warning in fans.describe_differences():
            warnings.warn(warning, stacklevel=2)


def _select_files(
    files: list[tuple[Path, str]], selection: FrameSelection
) -> Iterator[tuple[Path, str, FrameSelection]]:
    """Yield path and name of each file with selected frames, and the selection relative to its first frame."""
    position, stop = 0, selection.frames.stop
    for path, name in files:
        if selection.frames == slice(None):
            yield path, name, selection
        elif stop is None or position < stop:
            count = _count_file(path, selection)
            if count is None and path != files[-1][0]:
                count = _count_by_reading(path, selection)
            file_selection = replace(selection, frames=shift_slice(selection.frames, position))
            position += count or 0
            if count is None or file_selection.count(count):
                yield path, name, file_selection


def _adjust_frame(frame: Frame, selection: FrameSelection) -> Frame:
    """Return a frame with the corrections that the user gave."""
    if selection.heading_offset and frame.navigation:
        frame = replace(frame, navigation=frame.navigation.turned(selection.heading_offset))
    return frame.mirrored() if selection.mirror else frame


class _FanFinder:
    """The fans of plain images: one for each recording, and one for the images of each folder.

    Args:
        window: the sonar's settings.
        topic: the topic of ROS bags, or None.
    """

    def __init__(self, window: RangeWindow, topic: str | None):
        self._window = window
        self._topic = topic
        self._source: Path | None = None
        self._place, self._fan = Path(), RecordingFan(window)
        self._differing: dict[Path, list[str]] = {}

    def add_fan(self, frame: Frame) -> Frame:
        """Return a frame with its fan; raise a ValueError if that is not known."""
        if frame.geometry:
            return frame
        if frame.source != self._source:
            self._source = frame.source
            is_still = _count_file(frame.source, FrameSelection(topic=self._topic)) == 1
            self._place = frame.source.parent if is_still else frame.source
            status = self._place.stat()
            version = status.st_mtime_ns, status.st_size
            self._fan = _measure_fan(self._place, frame.source.suffix, version, self._window, self._topic)
        fan, differs = self._fan.find_fan(frame.image)
        if differs:
            label = frame.source.name if self._place != frame.source else f"frame {frame.index}"
            self._differing.setdefault(self._place, []).append(label)
        return replace(frame, geometry=fan)

    def describe_differences(self) -> Iterator[FrameGeometryWarning]:
        """Yield a warning for each recording or folder in which some fans differ from the others."""
        for place, labels in self._differing.items():
            yield FrameGeometryWarning(
                printable_name(os.fspath(place)),
                "the outline of some fans differs from that of the other frames; "
                "if their range window differs too, give them a --range-max of their own",
                labels,
            )


@lru_cache(maxsize=4)
def _measure_fan(
    place: Path, suffix: str, version: tuple[int, int], window: RangeWindow, topic: str | None
) -> RecordingFan:
    """Measure the fan of a recording, or of the images in a folder; a changed version is measured again."""
    fan = RecordingFan(window, _sample_images(place, suffix, topic))
    if fan.problem:
        warnings.warn(FrameGeometryWarning(printable_name(os.fspath(place)), fan.problem), stacklevel=2)
    return fan


def _sample_images(place: Path, suffix: str, topic: str | None) -> Iterator[np.ndarray]:
    """Yield evenly spaced frames of a recording, or of the images with a suffix in a folder."""
    if place.is_dir():
        siblings = [path for path in place.iterdir() if path.suffix == suffix and not path.name.startswith(".")]
        siblings.sort(key=_natural_key)
        positions = np.linspace(0, len(siblings) - 1, min(len(siblings), FAN_SAMPLES)).astype(int)
        parts = [(siblings[position], FrameSelection(slice(0, 1))) for position in positions]
        parts = [(path, selection) for path, selection in parts if _count_file(path, selection) == 1]
    else:
        count = _count_file(place, FrameSelection(topic=topic), estimate=True) or SEQUENTIAL_SPAN
        span = min(count, SEQUENTIAL_SPAN) if find_format(place).is_sequential else count
        step = -(-span // FAN_SAMPLES)
        parts = [(place, FrameSelection(slice(0, span, step), topic))]
    for path, selection in parts:
        try:
            _check_file(path)
            for item in find_format(path).read(path, selection):
                if isinstance(item, RawFrame):
                    yield item.image
        except (OSError, ValueError):
            continue  # reported when the file is read


def _complete_frame(raw: RawFrame, path: Path, name: str, fans: _FanFinder | None) -> Frame | DamagedFrame:
    """Add path and name to a reader's frame, and the geometry of the sidecar or the user if it has none."""
    frame = Frame(source=path, name=name, **vars(raw))
    try:
        frame = apply_sidecar(frame)
        return fans.add_fan(frame) if fans else frame
    except ValueError as error:
        return DamagedFrame(raw.index, str(error))


def _count_file(path: Path, selection: FrameSelection, estimate: bool = False) -> int | None:
    """Return the number of frames of a file, or None if it is not known; 1 if the file cannot be read."""
    try:
        _check_file(path)
        file_format = find_format(path)
        count = file_format.count_frames(path, selection.topic)
        return file_format.estimate(path) if count is None and estimate else count
    except (OSError, ValueError):
        return 1


def _count_by_reading(path: Path, selection: FrameSelection) -> int:
    items = find_format(path).read(path, replace(selection, frames=slice(None)))
    try:
        return sum(not isinstance(item, TruncatedFile) for item in items)
    except (OSError, ValueError):
        return 1


def _check_file(path: Path) -> None:
    check_regular_file(path)
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")


def _report_folder(root: Path, on_error: OnError, error: OSError) -> None:
    folder = Path(error.filename)
    name = str(root) if folder == root else folder.relative_to(root).as_posix()
    on_error(FrameReadError(name, _get_reason(error)))


def _natural_key(path: Path) -> tuple[list[list[int | str]], Path]:
    return [natural_sort_key(part) for part in path.parts], path  # the path itself orders 01 and 1


def _get_reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _raise_error(error: FrameReadError) -> None:
    raise error
