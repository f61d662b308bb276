"""Fit how the probability of an object of any class follows from objectness and contrast, and measure what it gains.

The regression is fitted on the boxes that the five networks of ``benchmarks/held_out`` find on the folds that they were
not trained on. A box is right if it matches a labelled object or debris without a label
(``benchmarks/unlabelled_debris.json``). For the figures of a fold it is fitted on the other four; the weights that are
printed, for ``model.json``, are fitted on all.

    python benchmarks/open_world.py marine-debris-fls
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.splits import FOLDS
from sonar_debris.datasets.training_set import Selection
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.detectors.single_pass.contrast import MIN_OBJECTNESS, contrast_features
from sonar_debris.evaluation.froc import FALSE_PER_FRAME, froc, read_ignore_regions
from sonar_debris.evaluation.matching import MATCH_IOU
from sonar_debris.frames.pixels import preprocess

HERE = Path(__file__).parent
AUDIT = HERE / "unlabelled_debris.json"
# Boxes per frame that are fitted, highest objectness first, and their lowest objectness.
BOXES_PER_FRAME, FITTED_FROM = 40, 0.02
THRESHOLDS = np.arange(0.3, 0.8, 0.05)


def find_boxes(model: Path, frames: list[LabelledFrame]) -> list[tuple[Detections, np.ndarray]]:
    """Return the boxes of each frame, with the shipped model's calibration, and their features."""
    shipped = DebrisDetector.from_pretrained(DEFAULT_MODEL).settings
    detector = DebrisDetector.from_pretrained(model).with_settings(
        min_score=0.0, unknown_min_score=1.0, alternative_max_score=0.0, calibration=shipped.calibration
    )
    boxes = []
    for labelled in frames:
        frame = labelled.load()
        found = detector.detect(frame)
        found = found[np.argsort(-found.objectness)][:BOXES_PER_FRAME]
        found = found[found.objectness >= FITTED_FROM]
        image, factors = preprocess(frame)
        boxes.append((found, contrast_features(image, found.xyxy * factors, found.objectness)))
    return boxes


def fit(features: np.ndarray, is_right: np.ndarray) -> Pipeline:
    """Fit the regression."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(features, is_right)


def weights_of(model: Pipeline) -> list[float]:
    """Return the intercept and the weights of the features as they are, not scaled."""
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return [float(regression.intercept_[0] - weights @ scaler.mean_), *weights.tolist()]


def print_froc(name: str, frames: list[LabelledFrame], boxes: list[Detections], audit: list[np.ndarray]) -> None:
    """Print the recall of debris without walls, by the labels and by the audit."""
    for rule, ignore in (("by the labels", None), ("by the audit ", audit)):
        curve = froc(frames, boxes, CLASS_NAMES, ["wall"], ignore)
        print(f"{name:12} {rule}", *(f"{rate:g}: {curve.recall_at(rate):.4f}" for rate in FALSE_PER_FRAME), sep="  ")


def with_score(boxes: list[Detections], scores: list[np.ndarray]) -> list[Detections]:
    """Return the boxes with other scores."""
    return [
        Detections(part.xyxy, score.astype(np.float32), part.class_id, part.objectness, part.class_names)
        for part, score in zip(boxes, scores, strict=True)
    ]


def main() -> None:
    """Fit, and print figures and weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the public release")
    data = parser.parse_args().data
    frames, found, folds = [], [], []
    for fold in FOLDS:
        part = Selection(data, "scene", (fold,)).labelled_frames()
        frames += part
        found += find_boxes(HERE / "held_out" / f"fold{fold}", part)
        folds += [fold] * len(part)
    audit = read_ignore_regions(AUDIT, frames)
    boxes, features = [part for part, _ in found], [values for _, values in found]
    is_right = [
        iou(part.xyxy, np.concatenate([frame.xyxy, regions])).max(axis=1, initial=0) >= MATCH_IOU
        for part, frame, regions in zip(boxes, frames, audit, strict=True)
    ]
    probability: list[np.ndarray] = [np.zeros(0)] * len(frames)
    for fold in FOLDS:
        others = [index for index, other in enumerate(folds) if other != fold]
        model = fit(np.concatenate([features[k] for k in others]), np.concatenate([is_right[k] for k in others]))
        for index in set(range(len(frames))) - set(others):
            if len(features[index]):
                probability[index] = model.predict_proba(features[index])[:, 1]
    print_froc("objectness", frames, with_score(boxes, [part.objectness for part in boxes]), audit)
    print_froc("and contrast", frames, with_score(boxes, probability), audit)
    min_score = DebrisDetector.from_pretrained(DEFAULT_MODEL).min_score
    for threshold in THRESHOLDS:
        masks = [
            (part.score >= min_score) | ((p >= threshold) & (part.objectness >= MIN_OBJECTNESS))
            for part, p in zip(boxes, probability, strict=True)
        ]
        curves = [froc(frames, boxes, CLASS_NAMES, ["wall"], ignore, masks).reported for ignore in (None, audit)]
        figures = ", ".join(f"{part.recall:.4f} at {part.false_per_frame:.3f}" for part in curves if part)
        print(f"unknown from {threshold:.2f}: {figures} (audit)")
    print(
        "weights", [round(weight, 4) for weight in weights_of(fit(np.concatenate(features), np.concatenate(is_right)))]
    )


if __name__ == "__main__":
    main()
