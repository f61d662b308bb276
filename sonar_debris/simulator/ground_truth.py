"""Write simulated frames and their ground truth, a COCO file."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sonar_debris import __version__
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.files import atomic_path, atomic_text, open_output_folder, remove_marked_pngs, write_png
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.outputs.coco import coco_annotation, coco_categories, coco_image
from sonar_debris.simulator.recording import (
    ADVANCE,
    DIVE_CLASS_NAMES,
    FAN,
    dive_scenes,
    frame_shape,
    random_scenes,
    record,
)
from sonar_debris.simulator.render import simulate_frames
from sonar_debris.simulator.scene import Scene

TRUTH_FILE, RECORDING_FILE = "truth.coco.json", "survey.aris"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GroundTruth:
    """The ground truth of simulated frames.

    Attributes:
        path: the COCO file with the labelled boxes.
        frames: number of frames.
        boxes: number of labelled boxes in all frames.
    """

    path: Path
    frames: int
    boxes: int


def simulate(
    folder: str | os.PathLike[str],
    frames: int,
    seed: int = 0,
    dive: bool = False,
    recording: bool = False,
    new_share: float = 0.0,
    progress: Progress | None = None,
) -> GroundTruth:
    """Simulate sonar frames and write them with their ground truth.

    The folder receives ``frame-0000.png``, ``frame-0001.png``, … or the recording ``survey.aris``, and
    ``truth.coco.json`` with the labelled boxes. Files are written atomically.

    Args:
        folder: the output folder; it is created if necessary.
        frames: number of frames, at least 1.
        seed: seed, 0 or more. The same seed gives the same frames.
        dive: whether the sonar moves forward over objects that it sees in many frames; this writes a recording. The
            boxes of an object share an ``object_id``. By default each frame shows a different random scene.
        recording: whether to write an ARIS recording instead of PNG files.
        new_share: share of the dive's objects that are of shapes which no shipped model was trained on, 0 to 1.
        progress: called after each frame with the number of frames written and the number of all frames.

    Returns:
        The numbers of frames and labelled boxes, and the path of the ground truth.

    Raises:
        ValueError: ``frames`` is less than 1, or there are new shapes without a dive.
        OutputError: the folder cannot be written to.

    Example:
        >>> simulate("practice", frames=2, seed=7)  # doctest: +SKIP
        GroundTruth(path=PosixPath('practice/truth.coco.json'), frames=2, boxes=4)
    """
    if frames < 1:
        raise ValueError(f"frames must be at least 1. Received: {frames}")
    if new_share and not dive:
        raise ValueError("new shapes appear in dives only")
    folder = open_output_folder(Path(folder))
    recording = recording or dive
    file_format = "aris" if recording else "png"
    command = f"sonar-debris simulate --frames {frames} --seed {seed} --format {file_format}{' --dive' if dive else ''}"
    command += f" --new-shapes {new_share:g}" if new_share else ""
    class_names = DIVE_CLASS_NAMES if new_share else CLASS_NAMES
    truth = CocoTruth({"version": __version__, "command": command}, class_names)
    report = progress or (lambda done, total: None)
    if recording:
        scenes = dive_scenes(frames, FAN, seed, new_share) if dive else random_scenes(frames, seed)
        recorded = record(scenes, ADVANCE if dive else 0.0)
        _write_recording(folder / RECORDING_FILE, recorded, frames, truth, report)
    else:
        _write_pngs(folder, frames, seed, truth, report)
    truth.write(folder / TRUTH_FILE)
    return GroundTruth(folder / TRUTH_FILE, frames, truth.box_count)


def _write_pngs(folder: Path, frames: int, seed: int, truth: "CocoTruth", report: Progress) -> None:
    remove_marked_pngs(folder, "frame-*.png")
    for index, (image, xyxy, class_id) in enumerate(simulate_frames(frames, seed)):
        path = folder / f"frame-{index:04d}.png"
        write_png(path, image)
        truth.add(path.name, image.shape, xyxy, class_id)
        report(index + 1, frames)


def _write_recording(
    path: Path,
    recorded: Iterable[tuple[np.ndarray, dict[str, Any], Scene]],
    frames: int,
    truth: "CocoTruth",
    report: Progress,
) -> None:
    shape = frame_shape()

    def echoes_and_headers() -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
        for index, (echoes, header, scene) in enumerate(recorded):
            truth.add(path.name, shape, scene.xyxy, scene.class_id, index, scene.object_id)
            yield echoes, header
            report(index + 1, frames)

    with atomic_path(path) as part:
        write_aris(part, echoes_and_headers())


class CocoTruth:
    """Collect the labelled boxes of many frames as a COCO object (https://cocodataset.org/#format-data).

    Ids count from 1; a category's id is its class index plus 1.

    Args:
        info: how the frames were made; copied into the object.
        class_names: names of the classes.
    """

    def __init__(self, info: dict[str, Any], class_names: Sequence[str] = CLASS_NAMES) -> None:
        self.info = info
        self.class_names = class_names
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    @property
    def box_count(self) -> int:
        """Number of labelled boxes so far."""
        return len(self._annotations)

    def add(
        self,
        file_name: str,
        shape: tuple[int, ...],
        xyxy: np.ndarray,
        class_id: np.ndarray,
        index: int = 0,
        object_id: np.ndarray | None = None,
    ) -> None:
        """Add a frame.

        Args:
            file_name: the frame's file.
            shape: rows and columns.
            xyxy: ``(N, 4)`` boxes in pixels.
            class_id: ``(N,)`` indices into the class names.
            index: position of the frame in its file.
            object_id: ``(N,)`` the same for an object in all frames; None if no object appears in several frames.
        """
        rows, cols = shape
        image_id = len(self._images) + 1
        self._images.append(coco_image(image_id, file_name, rows, cols, index))
        for number, (left, top, right, bottom) in enumerate(xyxy.tolist()):
            xywh = [left, top, right - left, bottom - top]
            annotation = coco_annotation(len(self._annotations) + 1, image_id, int(class_id[number]) + 1, xywh)
            # Ground truth is exact, not rounded as detections are.
            annotation |= {"bbox": xywh, "area": xywh[2] * xywh[3]}
            if object_id is not None:
                annotation["object_id"] = int(object_id[number])
            self._annotations.append(annotation)

    def content(self) -> dict[str, Any]:
        """Return the COCO object, ready for JSON."""
        return {
            "info": self.info,
            "images": self._images,
            "categories": coco_categories(self.class_names),
            "annotations": self._annotations,
        }

    def write(self, path: Path) -> None:
        """Write the COCO object atomically."""
        with atomic_text(path) as stream:
            json.dump(self.content(), stream, indent=1)
