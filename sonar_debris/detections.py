"""What a detector says of one frame."""

from dataclasses import dataclass

import numpy as np

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Detections:
    """The objects found in one frame, best score first.

    Attributes:
        xyxy: ``(N, 4)`` float32 boxes in pixels of the frame as stored: left, top, right, bottom.
        score: ``(N,)`` float32 in [0, 1], how sure the box *and* its name are.
        class_id: ``(N,)`` int64 indices into ``class_names``.
        objectness: ``(N,)`` float32 in [0, 1], how sure it is an object, whatever its name.
        class_names: the names, the last of which is ``"unknown"``.
    """

    xyxy: np.ndarray
    score: np.ndarray
    class_id: np.ndarray
    objectness: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index) -> "Detections":
        """Select detections by a mask, a slice or an array of indices."""
        return Detections(
            self.xyxy[index], self.score[index], self.class_id[index], self.objectness[index], self.class_names
        )

    def __add__(self, other: "Detections") -> "Detections":
        """Those of both, of the same ``class_names``, best score first; of equal scores the first's come first."""
        parts = ("xyxy", "score", "class_id", "objectness")
        both = (np.concatenate([getattr(self, part), getattr(other, part)]) for part in parts)
        together = Detections(*both, self.class_names)
        return together[np.argsort(-together.score, kind="stable")]

    @property
    def names(self) -> list[str]:
        """The class name of each detection."""
        return [self.class_names[i] for i in self.class_id]

    def to_supervision(self):
        """The same as ``supervision.Detections`` (needs the extra ``supervision``)."""
        import supervision as sv

        return sv.Detections(
            xyxy=self.xyxy,
            confidence=self.score,
            class_id=self.class_id,
            data={"class_name": np.array(self.names), "objectness": self.objectness},
        )
