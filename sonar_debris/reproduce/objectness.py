"""Recall of detection proposals, of ours and of other ways to propose, on the same frames."""

from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.proposals import propose
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import COCO_IOU
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.evaluation.proposal_recall import recall_curves
from sonar_debris.frames import open_frames
from sonar_debris.frames.preprocessing import normalise
from sonar_debris.reproduce import pipelines as published
from sonar_debris.reproduce.pipelines import SPLITS, load_pipeline, split_frames
from sonar_debris.reproduce.proposal_baselines import TemplateObjectness, sliding_windows
from sonar_debris.reproduce.study import Study, markdown_table, percent

LIMITS = (1, 3, 10, 30, 60, 100, 300, 1000, 2000, 5000)
SHOWN = (10, 30, 60, 100, 1000, 2000, 5000)
OURS = "objectness, refined"
PEERS = ("selective-search", "selective-search-fine", "edge-boxes")
ABOUT = f"""\
Class-agnostic recall at IoU 0.5 in per cent, by number of proposals a frame. Random split: the test part, near-copies
of training frames. Scene-disjoint: fold 0, tank layouts that training never showed. *{OURS}*: the dense objectness
network's windows, fitted by the box refiner. *objectness windows*: the same without the refiner, windows of seven
shapes. *template matching*: objectness is the best normalised correlation with random object templates of the training
frames. *sliding windows*: windows of those shapes in random order. *selective-search* (*-fine*: from smaller segments)
and *edge-boxes*: OpenCV's, as `benchmarks/peers/README.md` runs them; left out where that was not done."""

Proposals = list[np.ndarray]


def reproduce_objectness(study: Study) -> None:
    """Measure every way to propose on both splits and write the report."""
    ledger = study.ledger("objectness", len(SPLITS) * len(METHODS))
    sections, figures = [ABOUT], {"by_count_at": LIMITS, "by_iou_at": COCO_IOU.tolist()}
    for split in SPLITS:
        train, test = split_frames(study, split)
        _list_frames(study, split, test)
        recall = {
            name: ledger.cell(
                f"{split}-{name.replace(', ', '-').replace(' ', '-')}",
                lambda find=find, split=split, train=train, test=test: _curves(test, find(study, split, train, test)),
            )
            for name, find in METHODS.items()
        }
        recall |= {name: _curves(test, boxes) for name, boxes in _peers(study, split, test).items()}
        figures[split] = {"frames": len(test), "objects": sum(len(frame.xyxy) for frame in test), "recall": recall}
        _plot(study.folder, split, recall)
        sections += [
            f"## {split} split: {len(test)} frames",
            _table(recall),
            f"![recall against proposals, {split} split](recall-{split}.png)",
            f"![recall of 60 proposals against IoU, {split} split](iou-{split}.png)",
        ]
    study.write("Recall of detection proposals", [*sections, "## Published", _published_table()], figures)


def _refined(study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> Proposals:
    pipeline = load_pipeline(study, split)
    return [pipeline.propose(next(open_frames(frame.path)))[0] for frame in test]


def _windows(study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> Proposals:
    proposer = load_pipeline(study, split).proposer
    step = proposer.settings.step
    images = (normalise(next(open_frames(frame.path)).image) for frame in test)
    return [propose(proposer.objectness, [image], step, LIMITS[-1])[0] for image in images]


def _templates(study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> Proposals:
    matcher = TemplateObjectness(train, np.random.default_rng(study.seed))
    return [matcher.propose(normalise(next(open_frames(frame.path)).image), LIMITS[-1]) for frame in test]


def _sliding(study: Study, split: str, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> Proposals:
    rng = np.random.default_rng(study.seed)
    return [sliding_windows(next(open_frames(frame.path)).image.shape, LIMITS[-1], rng) for frame in test]


METHODS: dict[str, Callable[..., Proposals]] = {
    OURS: _refined,
    "objectness windows": _windows,
    "template matching": _templates,
    "sliding windows": _sliding,
}


def _list_frames(study: Study, split: str, test: Sequence[LabelledFrame]) -> None:
    """Write which frames the peers are to be run on."""
    folder = study.folder / "peers"
    folder.mkdir(exist_ok=True)
    (folder / f"{split}.txt").write_text("\n".join(frame.name for frame in test) + "\n")


def _peers(study: Study, split: str, test: Sequence[LabelledFrame]) -> dict[str, Proposals]:
    """What the peers proposed in the same frames, if they were run."""
    proposals = {}
    for name in PEERS:
        path = study.folder / "peers" / f"{split}-{name}.npz"
        if path.is_file():
            proposals[name] = _read_peer(path, test)
    return proposals


def _read_peer(path: Path, test: Sequence[LabelledFrame]) -> Proposals:
    try:
        kept = np.load(path, allow_pickle=False)
        boxes = dict(zip(kept["frames"].tolist(), np.split(kept["xyxy"], kept["ends"][:-1]), strict=True))
        return [boxes[frame.name] for frame in test]
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise SonarDebrisError(
            f"{path}: not the peers' proposals for these frames ({error}); run them again"
        ) from error


def _curves(test: Sequence[LabelledFrame], proposals: Proposals) -> dict:
    """Recall by number of proposals at IoU 0.5, and by IoU with 60 of them."""
    ranks = [np.linspace(1, 0, len(boxes)) for boxes in proposals]
    recall = recall_curves(test, proposals, ranks, LIMITS)
    return {"by_count": recall[0].tolist(), "by_iou": recall[:, LIMITS.index(60)].tolist()}


def _table(recall: dict[str, dict]) -> str:
    rows = [[name, *(percent(each["by_count"][LIMITS.index(n)]) for n in SHOWN)] for name, each in recall.items()]
    return markdown_table(["proposals a frame", *map(str, SHOWN)], rows)


def _published_table() -> str:
    counts = sorted({count for each in published.PROPOSAL_RECALL.values() for count in each})
    rows = [[name, *(percent(each.get(n)) for n in counts)] for name, each in published.PROPOSAL_RECALL.items()]
    return markdown_table(["proposals a frame", *map(str, counts)], rows)


def _plot(folder: Path, split: str, recall: dict[str, dict]) -> None:
    by_count = {name: (LIMITS, each["by_count"]) for name, each in recall.items()}
    plot_curves(folder / f"recall-{split}.png", by_count, "proposals a frame", "recall at IoU 0.5", log_x=True)
    by_iou = {name: (COCO_IOU, each["by_iou"]) for name, each in recall.items()}
    plot_curves(folder / f"iou-{split}.png", by_iou, "IoU", "recall of 60 proposals a frame")
