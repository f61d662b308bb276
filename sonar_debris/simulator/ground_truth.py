"""The ground truth of simulated frames as a COCO object (https://cocodataset.org/#format-data)."""

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES


class CocoTruth:
    """Gathers the boxes of many frames; all ids count from 1, a category's is its class id plus 1.

    Attributes:
        info: how the frames were made, copied into the object.
    """

    def __init__(self, info: dict):
        self.info = info
        self._images: list[dict] = []
        self._annotations: list[dict] = []

    @property
    def objects(self) -> int:
        """How many there are in all frames so far."""
        return len(self._annotations)

    def add(
        self,
        file_name: str,
        shape: tuple[int, int],
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
            class_id: ``(N,)`` indices into the watertank class names.
            index: of the frame in its file.
            object_id: ``(N,)`` the same for an object in all frames; None where no object is seen twice.
        """
        rows, cols = shape
        image_id = len(self._images) + 1
        self._images.append(
            {"id": image_id, "file_name": file_name, "width": cols, "height": rows, "frame_index": index}
        )
        same = [{} for _ in xyxy] if object_id is None else [{"object_id": number} for number in object_id.tolist()]
        for box, class_index, known in zip(xyxy.tolist(), class_id.tolist(), same, strict=True):
            annotation = _annotation(len(self._annotations) + 1, image_id, class_index + 1, box)
            self._annotations.append(annotation | known)

    def content(self) -> dict:
        """The COCO object, ready for JSON."""
        return {
            "info": self.info,
            "images": self._images,
            "categories": [{"id": i, "name": name} for i, name in enumerate(CLASS_NAMES, start=1)],
            "annotations": self._annotations,
        }


def _annotation(annotation_id: int, image_id: int, category_id: int, box: list[float]) -> dict:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": 0,
    }
