"""Group the sources of a survey into sequences, whose detections are tracked together."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from sonar_debris.frames.frame import natural_sort_key
from sonar_debris.survey.records import TrackedSource

# Largest time between the files of a recording that was split, in times between its frames.
MAX_SPLIT_GAP = 3
# Images without a time are sequences of their own; this many are loaded at a time.
SINGLE_IMAGES_PER_BATCH = 1000


class FrameSequence(NamedTuple):
    """Sources whose detections are tracked together.

    Attributes:
        first_indices: for each source's id the index in the sequence of its frame at position 0.
        is_tracked: whether its frames are linked; single images are not.
    """

    first_indices: dict[int, int]
    is_tracked: bool = True


def group_sequences(sources: Sequence[TrackedSource]) -> Iterator[FrameSequence]:
    """Yield the sequences that show detections: recordings, then the timed images of each folder, then single images.

    The files of a recording that was split are one sequence.
    """
    recordings: list[TrackedSource] = []
    folders: dict[PurePath, list[TrackedSource]] = {}
    single_images: list[int] = []
    for source in sources:
        if source.frames > 1:
            recordings.append(source)
        elif source.first_time is not None:
            folders.setdefault(source.path.parent, []).append(source)
        elif source.has_detections:
            single_images.append(source.id)
    for parts in _join_split_recordings(recordings):
        if any(part.has_detections for part in parts):
            yield FrameSequence(_index_parts(parts))
    for folder in folders.values():
        if any(image.has_detections for image in folder):
            # By time, not in the order in which they were added: a resumed survey has the same sequence.
            folder.sort(key=_start_of)
            yield FrameSequence({image.id: index for index, image in enumerate(folder)})
    for start in range(0, len(single_images), SINGLE_IMAGES_PER_BATCH):
        images = single_images[start : start + SINGLE_IMAGES_PER_BATCH]
        yield FrameSequence({image: index for index, image in enumerate(images)}, is_tracked=False)


def _start_of(source: TrackedSource) -> tuple[float, list[int | str]]:
    return source.first_time or 0.0, natural_sort_key(source.path.name)


def _join_split_recordings(recordings: Sequence[TrackedSource]) -> Iterator[list[TrackedSource]]:
    """Group the files of recordings that were split by size or by time; yield them in the order of their first files.

    Files belong together if they lie in one folder, their names differ only in numbers, their frames have one size, and
    each file begins no later than `MAX_SPLIT_GAP` frames after the end of the one before. Files without times are
    recordings of their own.
    """
    groups: dict[object, list[TrackedSource]] = {}
    for recording in recordings:
        is_timed = recording.first_time is not None and recording.rows is not None
        key = (recording.path.parent, _name_without_numbers(recording.path), recording.rows, recording.cols)
        groups.setdefault(key if is_timed else recording.id, []).append(recording)
    joined: list[list[TrackedSource]] = []
    for files in groups.values():
        files.sort(key=_start_of)
        parts = files[:1]
        for file in files[1:]:
            if not _continues(parts[-1], file):
                joined.append(parts)
                parts = []
            parts.append(file)
        joined.append(parts)
    yield from sorted(joined, key=lambda parts: parts[0].id)


def _name_without_numbers(path: PurePath) -> str:
    """Return a name that the files of a split recording share: ``dive.aris`` for ``dive_001.aris`` and ``dive.aris``.

    Example:
        >>> _name_without_numbers(PurePath("2024-05-01_100000_HF.aris"))
        '#_HF.aris'
    """
    stem = re.sub(r"([-_. ]*[0-9]+)+", "#", path.stem)
    return stem.rstrip("#") + path.suffix.lower()


def _continues(earlier: TrackedSource, later: TrackedSource) -> bool:
    """Return whether a file begins where an earlier one ends, to within some frames."""
    if earlier.first_time is None or earlier.last_time is None or later.first_time is None:
        return False
    interval = (earlier.last_time - earlier.first_time) / (earlier.frames - 1)
    return 0 < later.first_time - earlier.last_time <= MAX_SPLIT_GAP * interval


def _index_parts(parts: Sequence[TrackedSource]) -> dict[int, int]:
    """Return for the files of a recording the index of the frame at position 0, as if they were one file."""
    first_indices: dict[int, int] = {}
    next_index: int | None = None
    for part in parts:
        first_indices[part.id] = 0 if next_index is None else next_index - part.first_position
        step = round((part.last_position - part.first_position) / (part.frames - 1))
        next_index = first_indices[part.id] + part.last_position + step
    return first_indices
