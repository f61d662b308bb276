"""Detection, then recognition, on whole frames: two networks in sequence, shared features, and an SVM on them."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES, read_watertank
from sonar_debris.datasets.splits import select_frames
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.detectors.sliding_window.networks import WINDOW, make_dense
from sonar_debris.detectors.sliding_window.proposals import ObjectProposer, propose
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.evaluation.detection_metrics import detection_metrics
from sonar_debris.evaluation.matching import greedy_match
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.frames import Frame, open_frames
from sonar_debris.frames.preprocessing import normalise
from sonar_debris.networks import load_network
from sonar_debris.reproduce import pipelines as published
from sonar_debris.reproduce.pipelines import SPLITS, load_pipeline, split_frames, subsample
from sonar_debris.reproduce.shared_features import feature_part, objectness_part, train_shared_detector
from sonar_debris.reproduce.study import Study, markdown_table, percent
from sonar_debris.training import TrainingConfig
from sonar_debris.windows import extract_windows

# What is held out of training to choose thresholds and the SVM's parameters.
VALIDATION = {"random": "val", "scene": "3"}
STEP, PROPOSALS = 3, 60
SVM_WINDOWS = 4000
# Scores from which boxes count, for the curves of found objects against false boxes.
THRESHOLDS = np.linspace(0.05, 0.95, 19).round(2).tolist()
ABOUT = f"""\
On whole frames, at IoU 0.5, with the score threshold of the best F1 on validation frames: the share of objects *found*
by a box of whatever name, the share of found ones *named* right, and boxes that meet no object (*false* positives) a
frame; mAP@0.5 over all thresholds. Random split: the test part. Scene-disjoint: fold 0; the shared network learned from
folds 1, 2 and 4, and fold 3 is its validation part. *two networks*: the pipeline of `detect`. *shared*: one network, an
objectness and a class head on the same convolutions; its proposals are fitted by the pipeline's box refiner.
*shared + SVM*: an RBF support vector machine on the class head's features names them. *shared, plain windows*: without
refiner, the {PROPOSALS} best windows of seven shapes; objects here run from 15 to 250 pixels, and few windows fit."""

Find = Callable[[Frame], tuple[np.ndarray, np.ndarray | None]]
Detect = Callable[[Frame], Detections]


def reproduce_end_to_end(study: Study) -> None:
    """Measure the three ways on both splits and write the report."""
    ways = {
        "two networks": _sequence,
        "shared": _shared,
        "shared + SVM": _shared_svm,
        "shared, plain windows": _shared_windows,
    }
    ledger = study.ledger("end-to-end", len(SPLITS) * len(ways))
    sections, figures = [ABOUT], {}
    for split in SPLITS:
        figures[split] = {
            way: ledger.cell(
                f"{split}-{re.sub('[ ,+]+', '-', way)}",
                lambda make=make, split=split: _measure(study, split, make(study, split)),
            )
            for way, make in ways.items()
        }
        _plot(study.folder / f"found-{split}.png", figures[split])
        sections += [f"## {split} split", _table(figures[split]), f"![found against false boxes](found-{split}.png)"]
    study.write("Detection and recognition, end to end", sections, figures)


def _sequence(study: Study, split: str) -> Detect:
    return load_pipeline(study, split).detect


def _shared(study: Study, split: str) -> Detect:
    network = _shared_network(study, split)
    return partial(_detect, _refined(study, split, network), partial(_predict, network))


def _shared_svm(study: Study, split: str) -> Detect:
    network = _shared_network(study, split)
    features = feature_part(network)
    machine = _train_svm(study, split, features)

    def recognise(crops: np.ndarray) -> np.ndarray:
        names = np.eye(len(CLASS_NAMES), dtype=np.float32)[machine.predict(_predict(features, crops))]
        return np.pad(names, [(0, 0), (1, 0)])  # no objectness: the box refiner's counts

    return partial(_detect, _refined(study, split, network), recognise)


def _shared_windows(study: Study, split: str) -> Detect:
    network = _shared_network(study, split)
    dense = make_dense(objectness_part(network), STEP)

    def find(frame: Frame) -> tuple[np.ndarray, None]:
        return propose(dense, [normalise(frame.image)], STEP, PROPOSALS)[0], None

    return partial(_detect, find, partial(_predict, network))


def _refined(study: Study, split: str, network) -> Find:
    """The proposals of a shared network, fitted and judged by the box refiner of the split's pipeline."""
    pipeline = load_pipeline(study, split)
    return ObjectProposer(objectness_part(network), pipeline.proposer.refiner, pipeline.settings).propose


def _detect(find: Find, recognise: Callable[[np.ndarray], np.ndarray], frame: Frame) -> Detections:
    """What is found in a frame, each box named; the score is objectness times the probability of the name.

    Args:
        find: from a frame to boxes ``(N, 4)`` and their objectness ``(N,)``, or None for that of ``recognise``.
        recognise: from windows ``(N, 96, 96, 1)`` to objectness and class probabilities, ``(N, 1 + classes)``.
        frame: the frame.
    """
    xyxy, objectness = find(frame)
    crops = extract_windows(normalise(frame.image), xyxy, WINDOW)
    output = recognise(crops) if len(xyxy) else np.zeros((0, 1 + len(CLASS_NAMES)))
    objectness, probability = output[:, 0] if objectness is None else objectness, output[:, 1:]
    score = objectness * probability.max(axis=1, initial=0)
    found = Detections(xyxy, score, probability.argmax(axis=1), objectness, (*CLASS_NAMES, UNKNOWN))
    return found[np.argsort(-score, kind="stable")]


def _predict(network, crops: np.ndarray) -> np.ndarray:
    return network.predict(crops, batch_size=64, verbose=0)


def _shared_network(study: Study, split: str):
    """Trained now, or before."""
    folder = study.folder / f"shared-{split}"
    if not (folder / "shared.keras").is_file():
        epochs, steps = (1, 10) if study.quick else (10, 200)
        schedule = TrainingConfig(epochs, steps, seed=study.seed, precision=study.precision)
        sampler = WindowSampler(load_training_frames(_learning_frames(study, split)))
        train_shared_detector(sampler, None, len(CLASS_NAMES), schedule, folder)
    return load_network(folder / "shared.keras")


def _train_svm(study: Study, split: str, features):
    """An SVM on the features of windows that show an object; C is chosen on windows of validation frames."""
    count = 300 if study.quick else SVM_WINDOWS
    parts = [
        _labelled_features(load_training_frames(frames), features, share, study.seed)
        for frames, share in ((_learning_frames(study, split), count), (_validation_frames(study, split), count // 4))
    ]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    held = PredefinedSplit(np.repeat([-1, 0], [len(labels) for _, labels in parts]))
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1, 10, 100]}, cv=held, refit=False)
    machine = make_pipeline(StandardScaler(), SVC()).set_params(**search.fit(x, y).best_params_)
    return machine.fit(*parts[0])


def _labelled_features(frames: Sequence, features, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes of about ``count`` windows that show an object, unaugmented."""
    sampler, rng = WindowSampler(frames, augmented=False), np.random.default_rng(seed)
    crops, targets = zip(*(sampler.recognition(rng) for _ in range(2 * count)), strict=True)
    class_id = np.array(targets)[:, 1].astype(int)
    shown = class_id >= 0
    return _predict(features, np.array(crops)[shown]), class_id[shown]


def _learning_frames(study: Study, split: str) -> list[LabelledFrame]:
    held = {frame.name for frame in _part(study, split)}
    return [frame for frame in split_frames(study, split)[0] if frame.name not in held]


def _validation_frames(study: Study, split: str) -> list[LabelledFrame]:
    return subsample(study, _part(study, split))


def _part(study: Study, split: str) -> list[LabelledFrame]:
    return select_frames(study.root, read_watertank(study.root), split, VALIDATION[split])


def _measure(study: Study, split: str, detect: Detect) -> dict:
    """The figures of a way on the test frames, at the threshold that validation frames choose."""
    val, test = _validation_frames(study, split), split_frames(study, split)[1]
    threshold = detection_metrics(val, _each(val, detect), CLASS_NAMES).best.threshold or 0.0
    found = _each(test, detect)
    return {
        "threshold": threshold,
        **_shares_above(test, found, threshold),
        "map50": detection_metrics(test, found, CLASS_NAMES).map50,
        "by_threshold": [_shares_above(test, found, at) for at in THRESHOLDS],
    }


def _shares_above(frames: Sequence[LabelledFrame], found: Sequence[Detections], threshold: float) -> dict[str, float]:
    return shares(frames, [detections[detections.score >= threshold] for detections in found])


def _each(frames: Sequence[LabelledFrame], detect: Detect) -> list[Detections]:
    return [detect(next(open_frames(frame.path))) for frame in frames]


def shares(frames: Sequence[LabelledFrame], found: Sequence[Detections]) -> dict[str, float]:
    """How many objects are found, whatever they are called, and how many of those are named right.

    Args:
        frames: the labelled frames.
        found: what was found in each, best first; a detection meets the free object that it overlaps most.

    Returns:
        ``found`` and ``named`` as shares in [0, 1], and ``false`` boxes a frame.
    """
    met = [greedy_match(frame.xyxy, detections.xyxy) for frame, detections in zip(frames, found, strict=True)]
    named = [
        detections.class_id[pairs >= 0] == frame.class_id[pairs[pairs >= 0]]
        for frame, detections, pairs in zip(frames, found, met, strict=True)
    ]
    hits, boxes = sum(map(len, named)), sum(map(len, met))
    return {
        "found": hits / sum(len(frame.xyxy) for frame in frames),
        "named": sum(int(each.sum()) for each in named) / max(1, hits),
        "false": (boxes - hits) / len(frames),
    }


def _plot(path: Path, figures: dict[str, dict]) -> None:
    curves = {
        way: tuple([point[key] for point in each["by_threshold"]] for key in ("false", "found"))
        for way, each in figures.items()
    }
    plot_curves(path, curves, "boxes a frame that meet no object", "share of objects found")


def _table(figures: dict[str, dict]) -> str:
    shown = published.END_TO_END
    rows = [
        [way, percent(each["found"]), percent(each["named"]), f"{each['false']:.2f}", f"{each['map50']:.3f}"]
        for way, each in figures.items()
    ]
    rows.append(["published: shared", percent(shown["found"]), percent(shown["named"]), "–", "–"])
    rows.append(["published: shared + SVM", percent(shown["found"]), percent(shown["named_by_svm"]), "–", "–"])
    return markdown_table(["way", "found", "named right", "false a frame", "mAP@0.5"], rows)
