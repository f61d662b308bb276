"""Measure how much faster template matching is as a matrix product than with cv2.matchTemplate for each template.

Uses the crops of the public release if SONAR_DEBRIS_DATA is set to the folder that holds it, otherwise noise.
Run: python benchmarks/template_matching.py
"""

import os
from pathlib import Path

import cv2
import numpy as np
from timing import time_alternating

from sonar_debris.backend import quiet_backend
from sonar_debris.classifiers.template_matching import TemplateMatchingClassifier

with quiet_backend():
    from sonar_debris.reproduce.crop_experiments import read_crop_data, split_crops

SIZE = 64
# The loop is slow: it classifies about so many of the crops.
LOOP_CROPS = 30
ROUNDS = 3


def main() -> None:
    """Time both with the same templates, alternately after a warm-up, and compare the classes."""
    template_crops, class_id, crops = load_crops()
    matcher = TemplateMatchingClassifier().fit(template_crops.reshape(len(template_crops), -1), class_id)
    templates = matcher.templates_.reshape(-1, SIZE, SIZE).astype(np.float32)
    stride = len(crops) // LOOP_CROPS
    flat_crops, loop_crops = crops.reshape(len(crops), -1), crops[::stride]
    seconds = time_alternating(
        {
            "product": lambda: matcher.predict(flat_crops),
            "loop": lambda: match_in_loop(loop_crops, templates),
        },
        ROUNDS,
    )
    loop_classes = matcher.classes_[matcher.template_class_[match_in_loop(loop_crops, templates)]]
    agreement = (loop_classes == matcher.predict(flat_crops)[::stride]).mean()
    product_rate, loop_rate = len(crops) / seconds["product"], len(loop_crops) / seconds["loop"]
    print(f"{len(templates)} templates of {SIZE}×{SIZE}, {len(crops)} crops; the loop classifies {len(loop_crops)}")
    print(f"matrix product {product_rate:.0f} crops/s, loop of cv2.matchTemplate {loop_rate:.1f} crops/s:", end=" ")
    print(f"{product_rate / loop_rate:.0f} times faster")
    print(f"the same class for {100 * agreement:.0f} % of the loop's crops")


def match_in_loop(crops: np.ndarray, templates: np.ndarray) -> list[int]:
    """Return the index of the most similar template for each crop."""
    return [int(np.argmax([correlation(crop, template) for template in templates])) for crop in crops]


def correlation(crop: np.ndarray, template: np.ndarray) -> float:
    """Return the normalised cross-correlation of two images of the same size."""
    return float(cv2.matchTemplate(crop, template, cv2.TM_CCOEFF_NORMED)[0, 0])


def load_crops() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return templates ``(T, 64, 64)``, their classes ``(T,)``, and crops ``(N, 64, 64)``."""
    folder = os.environ.get("SONAR_DEBRIS_DATA")
    if folder:
        root = Path(folder) / "marine-debris-fls"
        train, test = (read_crop_data(root, crops, SIZE) for crops in split_crops(root, "random", ""))
        return train.images, train.class_id, test.images
    rng = np.random.default_rng(0)
    templates = rng.standard_normal((1400, SIZE, SIZE), np.float32)
    crops = templates[:600] + rng.standard_normal((600, SIZE, SIZE), np.float32)
    return templates, np.arange(1400) % 10, crops


if __name__ == "__main__":
    main()
