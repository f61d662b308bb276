"""Does the objectness network find objects of classes that it never saw? Each class left out of training in turn."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.proposals import ObjectProposer
from sonar_debris.detectors.sliding_window.training import PipelineSchedules, train_proposer
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.evaluation.proposal_recall import recall_by_class
from sonar_debris.frames import open_frames
from sonar_debris.reproduce.pipelines import QUICK_SCHEDULES, split_frames
from sonar_debris.reproduce.study import Study, markdown_table, percent
from sonar_debris.training import TrainingConfig

# A fifth of the shipped model's schedule: there are thirteen trainings.
SCHEDULES = PipelineSchedules(
    TrainingConfig(epochs=4, steps=200), TrainingConfig(epochs=4, steps=200), TrainingConfig(epochs=1, steps=1)
)
# Neighbouring frames are near-copies: one of three is learned from, and mining proposals takes a third of the time.
THINNING = 3
GROUPS = ((), *((name,) for name in CLASS_NAMES), ("hook", "propeller", "valve"))
LIMITS = (10, 30, 60, 100)
ABOUT = """\
Recall at IoU 0.5 of the objects of a class on the random split's test part, in per cent, with 10 to 100 proposals a
frame, by networks that learned from no frame which shows that class (*never seen*), and by networks that learned from
all training frames (*seen*). Leaving a class out leaves out every frame in which it shows, with all that is in it: part
of a loss is that of fewer frames. All networks were trained for a fifth of the shipped model's steps, on every third
of the frames that were left."""


def reproduce_novel_objects(study: Study) -> None:
    """Train without each group of classes, and report the recall of the objects left out."""
    groups = GROUPS[:2] if study.quick else GROUPS
    ledger = study.ledger("novel-objects", len(groups))
    train, test = split_frames(study, "random")
    cells = {group: ledger.cell(_name(group), lambda group=group: _run(study, group, train, test)) for group in groups}
    curves = {", ".join(group): (LIMITS, list(_pooled(cells[group], group).values())) for group in _shown(cells)}
    plot_curves(study.folder / "recall.png", curves, "proposals a frame", "recall of the objects never seen")
    sections = [ABOUT, _table(cells), "![recall against proposals](recall.png)"]
    study.write("Objects of classes never seen", sections, {_name(group): cell for group, cell in cells.items()})


def _name(group: Sequence[str]) -> str:
    return "without-" + ("+".join(group) or "none")


def _run(study: Study, group: Sequence[str], train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> dict:
    """Recall of a group of classes by proposals of networks that never saw it; without a group, of every class."""
    hidden = [CLASS_NAMES.index(name) for name in group]
    kept = [frame for frame in train if not np.isin(frame.class_id, hidden).any()]
    asked = hidden or range(len(CLASS_NAMES))
    test = [frame for frame in test if np.isin(frame.class_id, asked).any()]
    recipe = (QUICK_SCHEDULES if study.quick else SCHEDULES).each_with(study.seed, study.precision)
    with tempfile.TemporaryDirectory() as folder:
        networks = train_proposer(load_training_frames(kept[::THINNING]), recipe, Path(folder))
    proposer = ObjectProposer(*networks, SlidingWindowSettings("novel", CLASS_NAMES))
    found = [proposer.propose(next(open_frames(frame.path))) for frame in test]
    shown = {CLASS_NAMES[k]: sum(int((frame.class_id == k).sum()) for frame in test) for k in asked}
    recall = recall_by_class(test, *zip(*found, strict=True), CLASS_NAMES, LIMITS)
    recall = {name: share for name, share in recall.items() if name in shown}
    return {"frames": len(kept), "objects": shown, "recall": recall}


def _shown(cells: dict[tuple[str, ...], dict]) -> list[tuple[str, ...]]:
    """The groups that were left out and that the test part shows; of others there is no recall."""
    return [group for group, cell in cells.items() if any(cell["objects"][name] for name in group)]


def _table(cells: dict[tuple[str, ...], dict]) -> str:
    header = ["left out", "objects", "frames left", *(f"never seen, {limit}" for limit in LIMITS), "seen, 60"]
    rows = []
    for group in _shown(cells):
        objects = sum(cells[group]["objects"][name] for name in group)
        unseen, seen = (_pooled(cells[each], group) for each in (group, ()))
        shares = [*(unseen[limit] for limit in LIMITS), seen[60]]
        rows.append([", ".join(group), str(objects), str(cells[group]["frames"]), *map(percent, shares)])
    return markdown_table(header, rows)


def _pooled(cell: dict, group: Sequence[str]) -> dict[int, float]:
    """Recall over the objects of all classes of a group, by number of proposals."""
    names = [name for name in group if name in cell["recall"]]
    weights = [cell["objects"][name] for name in names]
    return {
        limit: float(np.average([cell["recall"][name][str(limit)] for name in names], weights=weights))
        for limit in LIMITS
    }
