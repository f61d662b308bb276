"""The detections of one frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import supervision

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Detections:
    """The detections of one frame, sorted by score, the highest first.

    Attributes:
        xyxy: ``(N, 4)`` float32 boxes in pixels of the frame as stored: left, top, right, bottom.
        score: ``(N,)`` float32 in [0, 1], the probability that box *and* class are right.
        class_id: ``(N,)`` int64 indices into ``class_names``.
        objectness: ``(N,)`` float32 in [0, 1], the probability of an object of any class.
        class_names: the class names, the last of which is ``"unknown"``.
        alternative: ``(N,)`` bool, True where the detection is a second label for an object that another detection of
            higher score reports already; all False by default.

    Raises:
        ValueError: the arrays do not have these shapes, or a class index is out of range.

    Example:
        >>> boxes, scores = np.float32([[0, 0, 9, 9], [5, 5, 9, 9]]), np.float32([0.9, 0.4])
        >>> detections = Detections(boxes, scores, np.array([1, 0]), scores, ("can", "tire", "unknown"))
        >>> detections[detections.score > 0.5].names
        ['tire']
    """

    xyxy: np.ndarray
    score: np.ndarray
    class_id: np.ndarray
    objectness: np.ndarray
    class_names: tuple[str, ...]
    alternative: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if self.xyxy.ndim != 2 or self.xyxy.shape[1] != 4:
            raise ValueError(f"xyxy must have the shape (N, 4). Received: {self.xyxy.shape}")
        count = len(self.xyxy)
        if not self.alternative.size:
            object.__setattr__(self, "alternative", np.zeros(count, bool))
        for name in ("score", "class_id", "objectness", "alternative"):
            shape = getattr(self, name).shape
            if shape != (count,):
                raise ValueError(f"{name} must have the shape ({count},), as xyxy has {count} rows. Received: {shape}")
        if count and not 0 <= self.class_id.min() <= self.class_id.max() < len(self.class_names):
            raise ValueError(
                f"class_id must lie in [0, {len(self.class_names)}). "
                f"Received: {self.class_id.min()} to {self.class_id.max()}"
            )

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: slice | np.ndarray) -> "Detections":
        """Select detections by a mask, a slice or an array of indices."""
        return Detections(
            self.xyxy[index],
            self.score[index],
            self.class_id[index],
            self.objectness[index],
            self.class_names,
            self.alternative[index],
        )

    @property
    def names(self) -> list[str]:
        """The class name of each detection."""
        return [self.class_names[i] for i in self.class_id]

    @staticmethod
    def merge(parts: Sequence["Detections"]) -> "Detections":
        """Merge detections of the same frame, sorted by score; equal scores keep the order of the parts.

        Args:
            parts: one or more, all with the same ``class_names``.

        Returns:
            All detections of the parts.

        Raises:
            ValueError: there are no parts, or their class names differ.
        """
        if len({part.class_names for part in parts}) != 1:
            raise ValueError(
                "merge needs one or more parts with the same class_names. "
                f"Received: {[part.class_names for part in parts]}"
            )
        merged = Detections(
            np.concatenate([part.xyxy for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.class_id for part in parts]),
            np.concatenate([part.objectness for part in parts]),
            parts[0].class_names,
            np.concatenate([part.alternative for part in parts]),
        )
        return merged[np.argsort(-merged.score, kind="stable")]

    def to_supervision(self) -> "supervision.Detections":
        """Convert to ``supervision.Detections`` (needs the extra ``supervision``)."""
        import supervision as sv

        return sv.Detections(
            xyxy=self.xyxy,
            confidence=self.score,
            class_id=self.class_id,
            data={
                "class_name": np.array(self.names),
                "objectness": self.objectness,
                "alternative": self.alternative,
            },
        )
