"""Labelled frames, and a reader of COCO, Pascal VOC and YOLO labels."""

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from sonar_debris.datasets.coco_labels import read_coco
from sonar_debris.datasets.label_files import (
    Box,
    ClassNames,
    ImageFolder,
    ImageLabels,
    ProblemCounter,
    find_label_files,
)
from sonar_debris.datasets.voc_labels import read_voc
from sonar_debris.datasets.yolo_labels import read_yolo
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import Frame, open_frames
from sonar_debris.frames.loader import count_frames

# Formats whose header gives the size of the frame.
_HEADER_FORMATS = ("PNG", "JPEG", "BMP", "PPM")
_EXIF_ORIENTATION = 0x0112
# Smallest side of a box in pixels.
MIN_SIDE = 0.5
# A box may reach out of its image by this much, in pixels, through rounding; it is clipped without a word.
MAX_OVERHANG = 3.0
# A box longer than this many sides of its image is an error, not an object at the image's edge.
MAX_SIDES = 2.0

NOT_FINITE = "left out boxes that are not finite or far larger than their image"
NO_SIZE = "left out boxes without width or height"
OUTSIDE = "left out boxes outside of their image"
CLIPPED = "clipped boxes that reach out of their image"


@dataclass(frozen=True)
class LabelledFrame:
    """A frame's file and its labelled boxes. The image is read by `load`.

    Attributes:
        name: path of the frame's file inside its folder, without the suffix: the key in split tables.
        path: the frame's file.
        xyxy: ``(N, 4)`` float32 boxes in pixels of the frame: left, top, right, bottom.
        class_id: ``(N,)`` int64 indices into the dataset's class names.
    """

    name: str
    path: Path
    xyxy: np.ndarray
    class_id: np.ndarray

    def load(self) -> Frame:
        """Read the frame.

        Returns:
            The frame, or the first frame of a recording.

        Raises:
            FrameReadError: the file cannot be read.
        """
        return next(open_frames(self.path))


def read_labels(
    images: str | os.PathLike[str], labels: str | os.PathLike[str]
) -> tuple[list[LabelledFrame], tuple[str, ...]]:
    """Read labelled boxes, and check them against the size of their images.

    Args:
        images: the folder of the images; its subfolders are read too.
        labels: a COCO ``.json`` file, a folder of Pascal VOC ``.xml`` files, a folder of YOLO ``.txt`` files with a
            ``data.yaml`` in it or above it, or that ``data.yaml``.

    Returns:
        The labelled frames, sorted by path, and the class names. Boxes lie inside their frames.

    Raises:
        SonarDebrisError: the labels cannot be read or contradict themselves, are for images of another size, an image
            is missing, most boxes lie outside of their images, or no frame has a box.

    Warns:
        SonarDebrisWarning: boxes or images were left out, or class names were merged; one line for each reason.
    """
    images, labels = Path(images), Path(labels)
    for path in (images, labels):
        if not path.exists():
            raise SonarDebrisError(f"{path}: no such file or folder")
    if not images.is_dir():
        raise SonarDebrisError(f"{images}: not a folder; give the folder of the images")
    problems = ProblemCounter(labels)
    image_labels, classes = _read(ImageFolder(images), labels, problems)
    frames = []
    for labelled in sorted(image_labels, key=lambda labelled: labelled.image):
        boxes, class_id = _place_boxes(labelled, problems)
        name = labelled.image.relative_to(images).with_suffix("").as_posix()
        xyxy = np.array(boxes, np.float32).reshape(-1, 4)
        frames.append(LabelledFrame(name, labelled.image, xyxy, np.array(class_id, np.int64)))
    classes.report_merged(problems)
    problems.warn()
    outside, total = problems.counts[OUTSIDE], sum(len(labelled.boxes) for labelled in image_labels)
    if outside > total / 2:
        raise SonarDebrisError(
            f"{labels}: {outside} of {total} boxes lie outside of their images; give the images that were labelled, "
            "in the same size"
        )
    if not any(len(frame.xyxy) for frame in frames):
        raise SonarDebrisError(f"{labels}: no boxes for the images in {images}; check that the file names agree")
    return frames, tuple(classes.names)


def _read(images: ImageFolder, labels: Path, problems: ProblemCounter) -> tuple[list[ImageLabels], ClassNames]:
    """Read labels in the format that the files are in."""
    suffix = labels.suffix.lower()
    if suffix == ".json":
        return read_coco(images, labels, problems)
    if suffix in (".yaml", ".yml") and labels.is_file():
        return read_yolo(images, labels, labels, problems)
    if not labels.is_dir():
        raise SonarDebrisError(f"{labels}: not a .json file, a data.yaml or a folder of labels")
    if find_label_files(labels, ".xml"):
        return read_voc(images, labels, problems)
    folders = (labels, labels.parent, *labels.absolute().parents[:2])
    description = next((folder / "data.yaml" for folder in folders if (folder / "data.yaml").is_file()), None)
    if description is None:
        raise SonarDebrisError(
            f"{labels}: no .json file, no .xml files, and no data.yaml for YOLO labels here or above"
        )
    return read_yolo(images, labels, description, problems)


def _image_size(path: Path) -> tuple[int, int]:
    """Return the columns and rows of an image as the loader returns it, from the header where this is possible.

    Args:
        path: the image's file.

    Returns:
        The columns and rows.

    Raises:
        SonarDebrisError: the file cannot be read, or holds several frames.
    """
    size = _header_size(path) if path.is_file() else None
    if size is not None:
        return size
    count = count_frames(path)
    if count is not None and count > 1:
        raise SonarDebrisError(
            f"{path}: holds {count} frames, and labels belong to single images; sonar-debris convert writes images"
        )
    rows, cols = next(open_frames(path)).image.shape
    return cols, rows


def _header_size(path: Path) -> tuple[int, int] | None:
    """Return the columns and rows that the header gives; None if the loader has to decide."""
    try:
        with warnings.catch_warnings(), Image.open(path, formats=_HEADER_FORMATS) as image:
            warnings.simplefilter("ignore")
            # Pillow would decode a whole PNG to look for Exif after the pixels.
            is_turned = b"eXIf" in path.read_bytes() if image.format == "PNG" else _EXIF_ORIENTATION in image.getexif()
            return None if is_turned or getattr(image, "n_frames", 1) > 1 else image.size
    except Exception:  # Pillow raises errors of many types for damaged files; the loader names the reason
        return None


def _place_boxes(labels: ImageLabels, problems: ProblemCounter) -> tuple[list[Box], list[int]]:
    """Convert the boxes of an image to pixels, clip them to the image, and leave out those that cannot be used.

    Args:
        labels: the labels of the image.
        problems: counts the boxes that were left out or clipped.

    Returns:
        The boxes and the indices of their classes.

    Raises:
        SonarDebrisError: the image cannot be read, or the labels are for an image of another size.
    """
    cols, rows = _image_size(labels.image)
    if labels.size is not None and labels.size != (cols, rows):
        labelled_cols, labelled_rows = labels.size
        raise SonarDebrisError(
            f"{labels.source}: the labels of {labels.image.name} are for {labelled_cols:g} x {labelled_rows:g} pixels, "
            f"and the image has {cols} x {rows} (width x height); give the images that were labelled"
        )
    boxes, class_ids = [], []
    for box, class_id in zip(labels.boxes, labels.class_id, strict=True):
        left, top, right, bottom = box
        pixels = (left * cols, top * rows, right * cols, bottom * rows) if labels.is_relative else box
        clipped, problem = _check_box(pixels, cols, rows)
        if problem:
            problems.add(problem, f"in {labels.image.name}")
        if clipped is not None:
            boxes.append(clipped)
            class_ids.append(class_id)
    return boxes, class_ids


def _check_box(box: Box, cols: int, rows: int) -> tuple[Box | None, str | None]:
    """Return the box inside the image, or None; and the problem, or None."""
    left, top, right, bottom = box
    if not all(map(math.isfinite, box)) or right - left > MAX_SIDES * cols or bottom - top > MAX_SIDES * rows:
        return None, NOT_FINITE
    if min(right - left, bottom - top) < MIN_SIDE:
        return None, NO_SIZE
    clipped = max(left, 0.0), max(top, 0.0), min(right, float(cols)), min(bottom, float(rows))
    if min(clipped[2] - clipped[0], clipped[3] - clipped[1]) < MIN_SIDE:
        return None, OUTSIDE
    overhang = max(abs(value - inside) for value, inside in zip(box, clipped, strict=True))
    return clipped, CLIPPED if overhang > MAX_OVERHANG else None


def merge_class_names(known: Sequence[str], other: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Append class names to known ones; they are paired by name, ignoring case.

    Args:
        known: the class names to keep, in their order.
        other: the class names to append where they are not known.

    Returns:
        All class names, the known ones first; and for each of ``other`` its index among them.

    Example:
        >>> merge_class_names(["can", "tire"], ["Tire", "anchor"])
        (('can', 'tire', 'anchor'), array([1, 2]))
    """
    union = list(known)
    index = {name.lower(): position for position, name in enumerate(known)}
    for name in other:
        if name.lower() not in index:
            index[name.lower()] = len(union)
            union.append(name)
    return tuple(union), np.array([index[name.lower()] for name in other], np.int64)


def merge_labels(
    parts: Sequence[tuple[Sequence[LabelledFrame], tuple[str, ...]]],
) -> tuple[list[LabelledFrame], tuple[str, ...]]:
    """Join the frames of several label sets; classes are paired by name, ignoring case.

    Args:
        parts: frames and class names of each set, as `read_labels` returns them.

    Returns:
        All frames, and the class names that their ``class_id`` indexes.
    """
    frames: list[LabelledFrame] = []
    names: tuple[str, ...] = ()
    for part_frames, part_names in parts:
        names, index = merge_class_names(names, part_names)
        frames.extend(replace(frame, class_id=index[frame.class_id]) for frame in part_frames)
    return frames, names
