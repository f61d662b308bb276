"""Labelled frames, and a reader of COCO, Pascal VOC and YOLO labels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import Frame, open_frames

if TYPE_CHECKING:
    from supervision import DetectionDataset, Detections


@dataclass(frozen=True)
class LabelledFrame:
    """A frame's file and its labelled boxes. The image is read by `load`.

    Attributes:
        name: stem of the frame's file, the key in split tables.
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
    """Read labelled boxes with `supervision`, without the images.

    Args:
        images: the folder of the images.
        labels: a COCO ``.json`` file, a folder of Pascal VOC ``.xml`` files, or a folder of YOLO ``.txt`` files with a
            ``data.yaml`` in it or in its parent folder.

    Returns:
        The labelled frames, sorted by path, and the class names.

    Raises:
        SonarDebrisError: the labels cannot be read, an image is missing, no frame has a box, or `supervision` is not
            installed.
    """
    try:
        from supervision import DetectionDataset
    except ImportError as error:
        raise SonarDebrisError(f"{labels}: to read labels, pip install 'sonar-debris[supervision]'") from error
    images, labels = Path(images), Path(labels)
    for path in (images, labels):
        if not path.exists():
            raise SonarDebrisError(f"{path}: no such file or folder")
    try:
        dataset = _load_dataset(DetectionDataset, images, labels)
        frames = [_labelled_frame(Path(path), boxes) for path, boxes in sorted(dataset.annotations.items())]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError) as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0][:160]
        raise SonarDebrisError(f"{labels}: cannot read the labels of {images} ({reason})") from error
    missing = [frame.path.name for frame in frames if not frame.path.is_file()]
    if missing:
        raise SonarDebrisError(f"{labels}: {len(missing)} labelled images are not in {images}, e.g. {missing[0]}")
    if not any(len(frame.xyxy) for frame in frames):
        raise SonarDebrisError(f"{labels}: no boxes for the images in {images}; check that the file names agree")
    return frames, tuple(map(str, dataset.classes))


def _load_dataset(dataset: type[DetectionDataset], images: Path, labels: Path) -> DetectionDataset:
    if labels.suffix.lower() == ".json":
        return dataset.from_coco(str(images), str(labels))
    if any(labels.glob("*.xml")):
        return dataset.from_pascal_voc(str(images), str(labels))
    descriptions = (labels / "data.yaml", labels.parent / "data.yaml")
    description = next((path for path in descriptions if path.is_file()), None)
    if description is None:
        raise SonarDebrisError(
            f"{labels}: no .json file, no .xml files, and no data.yaml for YOLO labels here or above"
        )
    return dataset.from_yolo(str(images), str(labels), str(description))


def _labelled_frame(path: Path, boxes: Detections) -> LabelledFrame:
    xyxy = boxes.xyxy.astype(np.float32).reshape(-1, 4)
    return LabelledFrame(path.stem, path, xyxy, np.asarray(boxes.class_id, np.int64))
