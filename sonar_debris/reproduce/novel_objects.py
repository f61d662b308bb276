"""The novel-objects study: recall of objects of classes that were left out of the training of the proposals."""

import tempfile
from collections.abc import Sequence
from functools import partial
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
from sonar_debris.reproduce.pipelines import QUICK_SCHEDULES, split_frames
from sonar_debris.reproduce.study import Result, Study, markdown_table, percent
from sonar_debris.training import TrainingConfig

# A fifth of the shipped model's steps, because there are thirteen trainings. The classifier is not trained.
SCHEDULES = PipelineSchedules(
    TrainingConfig(epochs=4, steps=200), TrainingConfig(epochs=4, steps=200), TrainingConfig(epochs=1, steps=1)
)
# Neighbouring frames are near-copies: with one frame of three, mining proposals takes a third of the time.
FRAME_STRIDE = 3
# The classes that are left out together, a training each.
Group = tuple[str, ...]
GROUPS: tuple[Group, ...] = ((), *((name,) for name in CLASS_NAMES), ("hook", "propeller", "valve"))
LIMITS = (10, 30, 60, 100)
# The number of proposals at which the table shows the recall of seen classes.
SEEN_LIMIT = 60
ABOUT = """\
Recall at IoU 0.5 of the objects of a class on the random split's test part, in per cent, with 10 to 100 proposals per
frame, by networks that were trained without any frame that shows this class (*never seen*), and by networks that were
trained on all training frames (*seen*). A frame that is left out takes its objects of other classes with it, so part of
the loss is due to fewer training frames. All networks were trained for a fifth of the shipped model's steps, on every
third of the remaining frames."""


def reproduce_novel_objects(study: Study) -> None:
    """Train without each group of classes, and report the recall of the objects left out."""
    groups = GROUPS[:2] if study.quick else GROUPS
    cache = study.open_cache("novel-objects", len(groups))
    train, test = split_frames(study, "random")
    results = {
        group: cache.get_or_compute(_unit_name(group), partial(_measure, study, group, train, test)) for group in groups
    }
    curves = {
        ", ".join(group): (LIMITS, list(_pooled_recall(results[group], group).values()))
        for group in _tested_groups(results)
    }
    plot_curves(study.folder / "recall.png", curves, "proposals per frame", "recall of the objects never seen")
    sections = [ABOUT, _recall_table(results), "![recall against proposals](recall.png)"]
    figures = {_unit_name(group): result for group, result in results.items()}
    study.write_report("Objects of classes never seen", sections, figures)


def _unit_name(group: Group) -> str:
    return "without-" + ("+".join(group) or "none")


def _measure(study: Study, group: Group, train: Sequence[LabelledFrame], test: Sequence[LabelledFrame]) -> Result:
    """Return the recall of the classes that were left out of training; of all classes if none was left out."""
    left_out = [CLASS_NAMES.index(name) for name in group]
    tested = left_out or list(range(len(CLASS_NAMES)))
    remaining = [frame for frame in train if not np.isin(frame.class_id, left_out).any()]
    test = [frame for frame in test if np.isin(frame.class_id, tested).any()]
    schedules = (QUICK_SCHEDULES if study.quick else SCHEDULES).with_options(study.seed, study.precision)
    with tempfile.TemporaryDirectory() as folder:
        objectness, refiner = train_proposer(load_training_frames(remaining[::FRAME_STRIDE]), schedules, Path(folder))
    proposer = ObjectProposer(objectness, refiner, SlidingWindowSettings("novel", CLASS_NAMES))
    proposals = [proposer.propose(frame.load()) for frame in test]
    boxes, scores = [xyxy for xyxy, _ in proposals], [score for _, score in proposals]
    recall = recall_by_class(test, boxes, scores, CLASS_NAMES, LIMITS)
    objects = {CLASS_NAMES[index]: sum(int((frame.class_id == index).sum()) for frame in test) for index in tested}
    return {
        "frames": len(remaining),
        "objects": objects,
        "recall": {name: by_limit for name, by_limit in recall.items() if name in objects},
    }


def _tested_groups(results: dict[Group, Result]) -> list[Group]:
    """Return the groups of which the test part shows an object; the others have no recall."""
    return [group for group, result in results.items() if any(result["objects"][name] for name in group)]


def _recall_table(results: dict[Group, Result]) -> str:
    limits = [f"never seen, {limit}" for limit in LIMITS]
    rows = []
    for group in _tested_groups(results):
        objects = sum(results[group]["objects"][name] for name in group)
        never_seen, seen = _pooled_recall(results[group], group), _pooled_recall(results[()], group)
        shares = [*never_seen.values(), seen[SEEN_LIMIT]]
        rows.append([", ".join(group), str(objects), str(results[group]["frames"]), *map(percent, shares)])
    return markdown_table(["left out", "objects", "frames left", *limits, f"seen, {SEEN_LIMIT}"], rows)


def _pooled_recall(result: Result, group: Group) -> dict[int, float]:
    """Return the recall over the objects of all classes of a group, by number of proposals."""
    names = [name for name in group if name in result["recall"]]
    objects = [result["objects"][name] for name in names]
    return {
        limit: float(np.average([result["recall"][name][str(limit)] for name in names], weights=objects))
        for limit in LIMITS
    }
