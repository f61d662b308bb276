"""How much faster are templates as a matrix product than one cv2.matchTemplate each? Prints both, and their ratio.

Crops of the public release if SONAR_DEBRIS_DATA names the folder that holds it, else noise.
Run: python benchmarks/template_matching.py
"""

import os
import time
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.classifiers.template_matching import TemplateMatchingClassifier
from sonar_debris.reproduce.crop_experiments import read_crop_data, split_crops

SIZE = 64
# The loop is slow: it gets this many of the crops in each of its turns.
LOOPED = 30
TURNS = 3


def main() -> None:
    """Time both on the same templates, in turn, and compare their answers."""
    templates, class_id, crops = load()
    matcher = TemplateMatchingClassifier().fit(templates.reshape(len(templates), -1), class_id)
    stored = matcher.templates_.reshape(-1, SIZE, SIZE).astype(np.float32)
    flat, few = crops.reshape(len(crops), -1), crops[:: len(crops) // LOOPED]
    matcher.predict(flat)
    product, loop = [], []
    for _ in range(TURNS):
        begin = time.perf_counter()
        given = matcher.predict(flat)
        product.append((time.perf_counter() - begin) / len(crops))
        begin = time.perf_counter()
        best = [max(range(len(stored)), key=lambda t, crop=crop: correlation(crop, stored[t])) for crop in few]
        loop.append((time.perf_counter() - begin) / len(few))
    same = (matcher.classes_[matcher.template_class_[best]] == given[:: len(crops) // LOOPED]).mean()
    a, b = 1 / np.median(product), 1 / np.median(loop)
    print(f"{len(stored)} templates of {SIZE}×{SIZE}, {len(crops)} crops; the loop takes {len(few)}")
    print(f"matrix product {a:.0f} crops/s, loop of cv2.matchTemplate {b:.1f} crops/s: {a / b:.0f} times faster")
    print(f"same answer on {100 * same:.0f} % of the looped crops")


def correlation(crop: np.ndarray, template: np.ndarray) -> float:
    """Normalised cross-correlation of two images of one size."""
    return cv2.matchTemplate(crop, template, cv2.TM_CCOEFF_NORMED)[0, 0]


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Templates ``(T, 64, 64)``, their classes ``(T,)``, and crops ``(N, 64, 64)``."""
    folder = os.environ.get("SONAR_DEBRIS_DATA")
    if folder:
        root = Path(folder) / "marine-debris-fls"
        train, test = (read_crop_data(root, part, SIZE) for part in split_crops(root, "random", ""))
        return train.images, train.class_id, test.images
    rng = np.random.default_rng(0)
    templates = rng.standard_normal((1400, SIZE, SIZE), np.float32)
    crops = templates[:600] + rng.standard_normal((600, SIZE, SIZE), np.float32)
    return templates, np.arange(1400) % 10, crops


if __name__ == "__main__":
    main()
