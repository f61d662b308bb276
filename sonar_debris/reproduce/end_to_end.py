"""The end-to-end study: detection and classification on whole frames by several combinations of networks.

Reference:
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES, read_watertank
from sonar_debris.datasets.splits import select_frames
from sonar_debris.datasets.training_frames import TrainingFrame, load_training_frames
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, make_dense
from sonar_debris.detectors.sliding_window.proposals import ObjectProposer, propose
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.evaluation.detection_metrics import evaluate_detections
from sonar_debris.evaluation.matching import greedy_match
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.frames import Frame
from sonar_debris.frames.pixels import normalise
from sonar_debris.networks import load_network
from sonar_debris.reproduce.pipelines import SPLITS, load_pipeline, split_frames, subsample
from sonar_debris.reproduce.proposal_baselines import feature_part, objectness_part, train_shared_detector
from sonar_debris.reproduce.study import Result, Study, markdown_table, percent
from sonar_debris.training import TrainingConfig
from sonar_debris.windows import extract_windows

# Published shares in [0, 1] of objects found, and of the found objects that were classified right.
PUBLISHED_FOUND, PUBLISHED_NAMED, PUBLISHED_NAMED_BY_SVM = 0.93, 0.75, 0.85
# The part of each split that chooses score thresholds and the SVM's parameters. The shared network never sees it.
VALIDATION_PARTS = {"random": "val", "scene": "3"}
STEP, PROPOSALS = 3, 60
# About so many windows are drawn for the SVM's training and, for the choice of C, a quarter as many.
SVM_WINDOWS, QUICK_SVM_WINDOWS = 4000, 300
SVM_C = (0.1, 1, 10, 100)
# The score thresholds of the curve of found objects against false boxes.
THRESHOLDS = np.linspace(0.05, 0.95, 19).round(2).tolist()
ABOUT = f"""\
On whole frames, at IoU 0.5, with the score threshold of the best F1 on validation frames: the share of objects *found*
by a box of any class, the share of found objects *named* right, and boxes per frame that match no object (*false*
positives); mAP@0.5 over all thresholds. Random split: the test part. Scene-disjoint: fold 0; the shared network was
trained on folds 1, 2 and 4, and fold 3 is its validation part. *two networks*: the sliding-window model of `detect`.
*shared*: one network, an objectness head and a class head on the same convolutions; its proposals are fitted by the
sliding-window model's box refiner. *shared + SVM*: an RBF support vector machine on the class head's features
classifies. *shared, plain windows*: without the refiner, the {PROPOSALS} best windows of seven shapes; objects here are
15 to 250 pixels long, and few windows fit."""

# Return boxes ``(N, 4)`` and their objectness ``(N,)``, or None if the classifying network computes the objectness.
FindBoxes = Callable[[Frame], tuple[np.ndarray, np.ndarray | None]]
# Return objectness and class probabilities ``(N, 1 + classes)`` of windows ``(N, 96, 96, 1)``.
Classify = Callable[[np.ndarray], np.ndarray]
Detect = Callable[[Frame], Detections]


def reproduce_end_to_end(study: Study) -> None:
    """Measure all methods on both splits and write the report."""
    cache = study.open_cache("end-to-end", len(SPLITS) * len(METHODS))
    sections = [ABOUT]
    figures: dict[str, dict[str, Result]] = {}
    for split in SPLITS:
        figures[split] = {}
        for name, method in METHODS.items():
            unit = f"{split}-{re.sub('[ ,+]+', '-', name)}"
            figures[split][name] = cache.get_or_compute(unit, partial(_measure, study, split, method))
        _plot(study.folder / f"found-{split}.png", figures[split])
        sections += [f"## {split} split", _table(figures[split]), f"![found against false boxes](found-{split}.png)"]
    study.write_report("Detection and recognition, end to end", sections, figures)


def _two_networks(study: Study, split: str) -> Detect:
    return load_pipeline(study, split).detect


def _shared(study: Study, split: str) -> Detect:
    network = _load_shared_network(study, split)
    return partial(_detect, _refined_boxes(study, split, network), partial(_predict, network))


def _shared_svm(study: Study, split: str) -> Detect:
    network = _load_shared_network(study, split)
    features = feature_part(network)
    svm = _train_svm(study, split, features)

    def classify(crops: np.ndarray) -> np.ndarray:
        one_hot = np.eye(len(CLASS_NAMES), dtype=np.float32)[svm.predict(_predict(features, crops))]
        return np.pad(one_hot, [(0, 0), (1, 0)])  # objectness 0, which is not used: the box refiner predicts it

    return partial(_detect, _refined_boxes(study, split, network), classify)


def _shared_windows(study: Study, split: str) -> Detect:
    network = _load_shared_network(study, split)
    dense = make_dense(objectness_part(network), STEP)

    def find_boxes(frame: Frame) -> tuple[np.ndarray, None]:
        return propose(dense, [normalise(frame.image)], STEP, PROPOSALS)[0], None

    return partial(_detect, find_boxes, partial(_predict, network))


METHODS: dict[str, Callable[[Study, str], Detect]] = {
    "two networks": _two_networks,
    "shared": _shared,
    "shared + SVM": _shared_svm,
    "shared, plain windows": _shared_windows,
}


def _refined_boxes(study: Study, split: str, network: keras.Model) -> FindBoxes:
    """Return a proposer with the shared network's objectness and the box refiner of the split's pipeline."""
    proposer = load_pipeline(study, split).proposer
    return ObjectProposer(objectness_part(network), proposer.refiner, proposer.settings).propose


def _detect(find_boxes: FindBoxes, classify: Classify, frame: Frame) -> Detections:
    """Find boxes in a frame and classify them; the score is objectness times the highest class probability."""
    xyxy, objectness = find_boxes(frame)
    crops = extract_windows(normalise(frame.image), xyxy, OBJECTNESS_WINDOW)
    output = classify(crops) if len(xyxy) else np.zeros((0, 1 + len(CLASS_NAMES)))
    class_probabilities = output[:, 1:]
    if objectness is None:
        objectness = output[:, 0]
    score = objectness * class_probabilities.max(axis=1, initial=0)
    class_id = class_probabilities.argmax(axis=1)
    detections = Detections(xyxy, score, class_id, objectness, (*CLASS_NAMES, UNKNOWN))
    return detections[np.argsort(-score, kind="stable")]


def _predict(network: keras.Model, crops: np.ndarray) -> np.ndarray:
    return network.predict(crops, batch_size=64, verbose=0)


def _load_shared_network(study: Study, split: str) -> keras.Model:
    """Load the shared network of a split; train it on the first call."""
    folder = study.folder / f"shared-{split}"
    if not (folder / "shared.keras").is_file():
        epochs, steps = (1, 10) if study.quick else (10, 200)
        config = TrainingConfig(epochs, steps, seed=study.seed, precision=study.precision)
        sampler = WindowSampler(load_training_frames(_training_frames(study, split)))
        train_shared_detector(sampler, None, len(CLASS_NAMES), config, folder)
    return load_network(folder / "shared.keras")


def _train_svm(study: Study, split: str, features: keras.Model) -> Pipeline:
    """Train an SVM on the features of windows that show an object; choose C on windows of validation frames."""
    windows = QUICK_SVM_WINDOWS if study.quick else SVM_WINDOWS
    train_frames = load_training_frames(_training_frames(study, split))
    x_train, y_train = _draw_features(train_frames, features, windows, study.seed)
    val_frames = load_training_frames(_validation_frames(study, split))
    x_val, y_val = _draw_features(val_frames, features, windows // 4, study.seed)
    # Training windows have the index -1: they are never in the validation part.
    folds = PredefinedSplit(np.repeat([-1, 0], [len(y_train), len(y_val)]))
    svm = make_pipeline(StandardScaler(), SVC())
    search = GridSearchCV(svm, {"svc__C": SVM_C}, cv=folds, refit=False)
    search.fit(np.concatenate([x_train, x_val]), np.concatenate([y_train, y_val]))
    return svm.set_params(**search.best_params_).fit(x_train, y_train)


def _draw_features(
    frames: Sequence[TrainingFrame], features: keras.Model, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return features and classes of about ``count`` windows that show an object, not augmented."""
    sampler, rng = WindowSampler(frames, augmented=False), np.random.default_rng(seed)
    crops, targets = zip(*(sampler.recognition(rng) for _ in range(2 * count)), strict=True)
    class_id = np.array(targets)[:, 1].astype(int)
    shows_object = class_id >= 0
    return _predict(features, np.array(crops)[shows_object]), class_id[shows_object]


def _training_frames(study: Study, split: str) -> list[LabelledFrame]:
    validation = {frame.name for frame in _validation_part(study, split)}
    return [frame for frame in split_frames(study, split)[0] if frame.name not in validation]


def _validation_frames(study: Study, split: str) -> list[LabelledFrame]:
    return subsample(study, _validation_part(study, split))


def _validation_part(study: Study, split: str) -> list[LabelledFrame]:
    return select_frames(study.root, read_watertank(study.root), split, VALIDATION_PARTS[split])


def _measure(study: Study, split: str, method: Callable[[Study, str], Detect]) -> Result:
    """Return the figures of a method on the test frames, with the threshold chosen on validation frames."""
    detect = method(study, split)
    val, test = _validation_frames(study, split), split_frames(study, split)[1]
    threshold = evaluate_detections(val, _detect_all(val, detect), CLASS_NAMES).best.threshold or 0.0
    detections = _detect_all(test, detect)
    return {
        "threshold": threshold,
        **_shares_above(test, detections, threshold),
        "map50": evaluate_detections(test, detections, CLASS_NAMES).map50,
        "by_threshold": [_shares_above(test, detections, min_score) for min_score in THRESHOLDS],
    }


def _detect_all(frames: Sequence[LabelledFrame], detect: Detect) -> list[Detections]:
    return [detect(frame.load()) for frame in frames]


def _shares_above(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], min_score: float
) -> dict[str, float]:
    return found_and_named_shares(frames, [boxes[boxes.score >= min_score] for boxes in detections])


def found_and_named_shares(frames: Sequence[LabelledFrame], detections: Sequence[Detections]) -> dict[str, float]:
    """Compute the share of objects that are found, and the share of found objects that are classified right.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame, best first; `greedy_match` matches them with the objects regardless
            of class.

    Returns:
        ``found`` and ``named`` as shares in [0, 1], and the number of ``false`` boxes per frame.
    """
    matched_boxes = correct_boxes = boxes = 0
    for frame, frame_detections in zip(frames, detections, strict=True):
        matches = greedy_match(frame.xyxy, frame_detections.xyxy)
        matched = matches >= 0
        boxes += len(matches)
        matched_boxes += int(matched.sum())
        correct_boxes += int((frame_detections.class_id[matched] == frame.class_id[matches[matched]]).sum())
    return {
        "found": matched_boxes / sum(len(frame.xyxy) for frame in frames),
        "named": correct_boxes / max(1, matched_boxes),
        "false": (boxes - matched_boxes) / len(frames),
    }


def _plot(path: Path, figures: dict[str, Result]) -> None:
    curves = {}
    for name, result in figures.items():
        points = result["by_threshold"]
        curves[name] = [point["false"] for point in points], [point["found"] for point in points]
    plot_curves(path, curves, "boxes per frame that match no object", "share of objects found")


def _table(figures: dict[str, Result]) -> str:
    rows = [
        [name, percent(result["found"]), percent(result["named"]), f"{result['false']:.2f}", f"{result['map50']:.3f}"]
        for name, result in figures.items()
    ]
    published_found = percent(PUBLISHED_FOUND)
    rows.append(["published: shared", published_found, percent(PUBLISHED_NAMED), "–", "–"])
    rows.append(["published: shared + SVM", published_found, percent(PUBLISHED_NAMED_BY_SVM), "–", "–"])
    return markdown_table(["method", "found", "named right", "false per frame", "mAP@0.5"], rows)
