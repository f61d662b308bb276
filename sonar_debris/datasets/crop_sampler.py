"""Draw training crops from object crops, as `WindowSampler` does from whole frames."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.datasets.augmentation import augment_window, cut_out
from sonar_debris.datasets.crops import Crop, load_crop
from sonar_debris.detection.classifier import normalise_crop
from sonar_debris.detection.windows import Window

MAX_TURN = np.deg2rad(30)


class CropSampler:
    """Draws crops, each class as likely as any other, turned, moved, scaled, mirrored and changed as a sonar would.

    Args:
        crops: what to draw from; read at once.
        size: side of the crops drawn, in pixels.
        augmented: off for validation, for which each crop is as likely as any other.
    """

    def __init__(self, crops: Sequence[Crop], size: int = 64, augmented: bool = True):
        self.images = [normalise_crop(load_crop(crop)) for crop in crops]
        self.class_id = [crop.class_id for crop in crops]
        self.by_class = [np.flatnonzero(np.equal(self.class_id, k)) for k in sorted(set(self.class_id))]
        self.size = size
        self.augmented = augmented

    def classification(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop ``(size, size, 1)``, aspect kept and crop-wise normalised, and its class."""
        number = self._draw(rng)
        image = self.images[number]
        crop = self._window(image.shape, rng).cut(image, self.size)
        if self.augmented:
            crop = augment_window(crop, rng)
            crop = cut_out(crop, rng) if rng.random() < 0.5 else crop
        return normalise_crop(crop)[..., None], self.class_id[number]

    def _draw(self, rng: np.random.Generator) -> int:
        if not self.augmented:
            return rng.integers(len(self.images))
        # Each class as often as any other: on new places rare ones are no rarer.
        among = self.by_class[rng.integers(len(self.by_class))]
        return among[rng.integers(len(among))]

    def _window(self, shape: tuple[int, int], rng: np.random.Generator) -> Window:
        """A square around the whole crop; what lies beyond the crop comes out at its mean, 0."""
        centre, extent = np.array(shape[::-1]) / 2, np.full(2, float(max(shape)))
        if not self.augmented:
            return Window(centre, extent)
        return Window(
            centre + rng.normal(0, 0.05, 2) * extent,
            extent * np.exp(rng.uniform(-0.2, 0.2)),
            float(rng.uniform(-MAX_TURN, MAX_TURN)),
            bool(rng.random() < 0.5),
        )
