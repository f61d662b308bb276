"""The objectness study: recall of our detection proposals and of other proposal methods, on the same frames.

References:
    Valdenegro-Toro, Submerged Marine Debris Detection with Autonomous Underwater Vehicles, 2016,
    doi:10.1109/RAHA.2016.7931907.
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.proposals import propose
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import COCO_IOU
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.evaluation.proposal_recall import recall_curves
from sonar_debris.frames.pixels import normalise
from sonar_debris.reproduce.pipelines import SPLITS, load_pipeline, split_frames
from sonar_debris.reproduce.proposal_baselines import TemplateObjectness, sliding_windows
from sonar_debris.reproduce.study import Result, Study, markdown_table, percent

# Published recall at IoU 0.5, by number of proposals per frame.
PUBLISHED_RECALL = {"objectness": {60: 0.94, 100: 0.96}, "selective-search": {2000: 0.95}, "edge-boxes": {5000: 0.97}}
# Numbers of proposals per frame at which recall is measured, and those that the table shows.
LIMITS = (1, 3, 10, 30, 60, 100, 300, 1000, 2000, 5000)
TABLE_LIMITS = (10, 30, 60, 100, 1000, 2000, 5000)
# The number of proposals for the curves by IoU.
IOU_LIMIT = 60
OURS = "objectness, refined"
PEERS = ("selective-search", "selective-search-fine", "edge-boxes")
ABOUT = f"""\
Class-agnostic recall at IoU 0.5 in per cent, by number of proposals per frame. Random split: the test part, whose
frames are near-copies of training frames. Scene-disjoint: fold 0, layouts of the tank that the training did not
include. *{OURS}*: the dense objectness network's windows, fitted by the box refiner. *objectness windows*: the same
without the refiner, windows of seven shapes. *template matching*: objectness is the highest normalised correlation with
random object templates of the training frames. *sliding windows*: windows of the same shapes in random order.
*selective-search* (*-fine*: from smaller segments) and *edge-boxes*: OpenCV's, run as `benchmarks/peers/README.md`
describes; they are left out if they were not run."""

# The boxes ``(N, 4)`` of each frame, best first.
Proposals = list[np.ndarray]
ProposalMethod = Callable[[Study, str, Sequence[LabelledFrame], Sequence[LabelledFrame]], Proposals]


def reproduce_objectness(study: Study) -> None:
    """Measure the recall of all proposal methods on both splits and write the report."""
    cache = study.open_cache("objectness", len(SPLITS) * len(METHODS))
    sections = [ABOUT]
    figures: dict[str, Any] = {"by_count_at": LIMITS, "by_iou_at": COCO_IOU.tolist()}
    for split in SPLITS:
        train, test = split_frames(study, split)
        _write_frame_names(study, split, test)
        recall = {}
        for name, method in METHODS.items():
            unit = f"{split}-{name.replace(', ', '-').replace(' ', '-')}"
            recall[name] = cache.get_or_compute(unit, partial(_measure, method, study, split, train, test))
        for name, proposals in _read_peers(study, split, test).items():
            recall[name] = _recall(test, proposals)
        figures[split] = {"frames": len(test), "objects": sum(len(frame.xyxy) for frame in test), "recall": recall}
        _plot(study.folder, split, recall)
        sections += [
            f"## {split} split: {len(test)} frames",
            _recall_table(recall),
            f"![recall against proposals, {split} split](recall-{split}.png)",
            f"![recall of {IOU_LIMIT} proposals against IoU, {split} split](iou-{split}.png)",
        ]
    sections += ["## Published", _published_table()]
    study.write_report("Recall of detection proposals", sections, figures)


def _measure(
    method: ProposalMethod, study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]
) -> Result:
    return _recall(test, method(study, split, train, test))


def _propose_refined(
    study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]
) -> Proposals:
    pipeline = load_pipeline(study, split)
    return [pipeline.propose(frame.load())[0] for frame in test]


def _propose_windows(
    study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]
) -> Proposals:
    proposer = load_pipeline(study, split).proposer
    step = proposer.settings.step
    images = (normalise(frame.load().image) for frame in test)
    return [propose(proposer.objectness, [image], step, LIMITS[-1])[0] for image in images]


def _propose_by_templates(
    study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]
) -> Proposals:
    templates = TemplateObjectness(train, np.random.default_rng(study.seed))
    return [templates.propose(normalise(frame.load().image), LIMITS[-1]) for frame in test]


def _propose_sliding(
    study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]
) -> Proposals:
    rng = np.random.default_rng(study.seed)
    return [sliding_windows(frame.load().image.shape, LIMITS[-1], rng) for frame in test]


METHODS: dict[str, ProposalMethod] = {
    OURS: _propose_refined,
    "objectness windows": _propose_windows,
    "template matching": _propose_by_templates,
    "sliding windows": _propose_sliding,
}


def _write_frame_names(study: Study, split: str, test: Sequence[LabelledFrame]) -> None:
    """Write the names of the test frames, on which the peer methods must be run."""
    folder = study.folder / "peers"
    folder.mkdir(exist_ok=True)
    (folder / f"{split}.txt").write_text("\n".join(frame.name for frame in test) + "\n")


def _read_peers(study: Study, split: str, test: Sequence[LabelledFrame]) -> dict[str, Proposals]:
    """Return the proposals of the peer methods that were run on the same frames."""
    paths = {name: study.folder / "peers" / f"{split}-{name}.npz" for name in PEERS}
    return {name: _read_peer(path, test) for name, path in paths.items() if path.is_file()}


def _read_peer(path: Path, test: Sequence[LabelledFrame]) -> Proposals:
    """Read the file that ``benchmarks/peers/proposals.py`` writes."""
    try:
        content = np.load(path, allow_pickle=False)
        parts = np.split(content["xyxy"], content["ends"][:-1])
        boxes = dict(zip(content["frames"].tolist(), parts, strict=True))
        return [boxes[frame.name] for frame in test]
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise SonarDebrisError(
            f"{path}: does not hold the proposals for these frames ({error}); run benchmarks/peers/proposals.py again"
        ) from error


def _recall(test: Sequence[LabelledFrame], proposals: Proposals) -> Result:
    """Return recall by number of proposals at IoU 0.5, and by IoU with `IOU_LIMIT` proposals."""
    ranks = [np.linspace(1, 0, len(boxes)) for boxes in proposals]
    recall = recall_curves(test, proposals, ranks, LIMITS)
    return {"by_count": recall[0].tolist(), "by_iou": recall[:, LIMITS.index(IOU_LIMIT)].tolist()}


def _recall_table(recall: dict[str, Result]) -> str:
    rows = []
    for name, result in recall.items():
        shares = [result["by_count"][LIMITS.index(limit)] for limit in TABLE_LIMITS]
        rows.append([name, *map(percent, shares)])
    return markdown_table(["proposals per frame", *map(str, TABLE_LIMITS)], rows)


def _published_table() -> str:
    limits = sorted({limit for recall in PUBLISHED_RECALL.values() for limit in recall})
    rows = [[name, *(percent(recall.get(limit)) for limit in limits)] for name, recall in PUBLISHED_RECALL.items()]
    return markdown_table(["proposals per frame", *map(str, limits)], rows)


def _plot(folder: Path, split: str, recall: dict[str, Result]) -> None:
    by_count = {name: (LIMITS, result["by_count"]) for name, result in recall.items()}
    plot_curves(folder / f"recall-{split}.png", by_count, "proposals per frame", "recall at IoU 0.5", log_x=True)
    by_iou = {name: (COCO_IOU, result["by_iou"]) for name, result in recall.items()}
    plot_curves(folder / f"iou-{split}.png", by_iou, "IoU", f"recall of {IOU_LIMIT} proposals per frame")
