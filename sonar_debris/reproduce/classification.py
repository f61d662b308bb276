"""Ten ways to name a crop, on the random split and on layouts never seen, beside the published figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonar_debris.evaluation.plots import plot_confusion, plot_curves, plot_filters
from sonar_debris.reproduce import pipelines as published
from sonar_debris.reproduce.classification_trials import (
    AUGMENTATIONS,
    AUGMENTED,
    NETWORKS,
    SUSPECTS,
    TEMPLATE_COUNTS,
    TEMPLATES,
    TEMPLATES_PER_CLASS,
    Trial,
    list_trials,
    run_trial,
)
from sonar_debris.reproduce.crop_experiments import read_crop_data
from sonar_debris.reproduce.study import Study, markdown_table, percent, pooled_accuracy

TITLE = "Classification of crops: ten rows"
ABOUT = """\
Accuracy in per cent. Random split: mean ± standard deviation over seeds; it tests on near-copies of training crops.
Scene-disjoint: the predictions of five folds, each of layouts that training never showed, pooled; ± is the standard
deviation over the folds. The number of weights of a template matcher is that of its templates' pixels, on the random
split. Every network is trained alike: each crop with zero mean and unit deviation, AdamW, 400 batches of 64."""


def reproduce_classification(study: Study) -> None:
    """Run all trials and write the report."""
    trials = list(list_trials(study))
    ledger = study.ledger("classification", len(trials))
    done = {trial: ledger.cell(trial.name, lambda trial=trial: run_trial(study, trial)) for trial in trials}
    names = read_crop_data(study.root, [], 1).class_names
    _plot(study.folder, done, names)
    sizes = sorted({trial.size for trial in trials})
    tables = [_table(done, size) for size in sizes]
    sections = [
        ABOUT,
        *(part for size, table in zip(sizes, tables, strict=True) for part in (f"## {size}×{size}", table)),
        "## Augmentation",
        "*jittered*, as in the tables above: turned by up to 8 degrees, scaled by up to a tenth, moved by up to 3 "
        "pixels. *published*: 15 rotations over the full turn × 4 offsets of ±2 pixels.",
        _training_table(done, [(split, one) for split in ("random", "scene") for one in AUGMENTATIONS], AUGMENTED),
        "## What may have made published rows fail",
        "On the random split: *rate0.1*, a learning rate of 0.1 in place of 0.001; *momentum0.99*, Keras' default "
        "momentum of batch-norm's running statistics in place of 0.9.",
        _training_table(done, [("random", one) for one in SUSPECTS], NETWORKS),
        "## Plots",
        "![accuracy against templates](templates.png)",
        "![accuracy after each epoch](learning-curves.png)",
        "![confusion of CNN+BN, scene-disjoint](confusion-scene.png)",
        "![confusion of CNN+BN, random split](confusion-random.png)",
        "![first-layer filters of CNN+BN](filters.png)",
    ]
    figures = {trial.name: {"accuracy": cell["accuracy"], "weights": cell["weights"]} for trial, cell in done.items()}
    study.write(TITLE, sections, {"trials": figures})


Done = dict[Trial, dict]


def _chosen(done: Done, row: str, size: int, split: str, training: str = AUGMENTATIONS[0]) -> list[dict]:
    wanted = (row, size, split, training, TEMPLATES_PER_CLASS)
    return [
        cell
        for trial, cell in done.items()
        if (trial.row, trial.size, trial.split, trial.training, trial.templates) == wanted
    ]


def _table(done: Done, size: int) -> str:
    rows = []
    for row in (*NETWORKS, *TEMPLATES):
        accuracy, _ = published.CLASSIFICATION.get(row, (None, None))
        cells = [_chosen(done, row, size, split) for split in ("random", "scene")]
        rows.append([row, f"{cells[0][0]['weights']:,}", percent(accuracy), *map(pooled_accuracy, cells)])
    return markdown_table(["row", "weights", "published", "random split", "scene-disjoint"], rows)


def _training_table(done: Done, columns: Sequence[tuple[str, str]], rows: Sequence[str]) -> str:
    """Rows at 64×64 that were trained in other ways than the first column's, too."""
    cells = {row: [_chosen(done, row, 64, *column) for column in columns] for row in rows}
    lines = [
        [row, *(pooled_accuracy(each) if each else "–" for each in across)]
        for row, across in cells.items()
        if any(across[1:])
    ]
    return markdown_table(["row at 64×64", *(f"{split}, {one}" for split, one in columns)], lines)


def _plot(folder: Path, done: Done, names: Sequence[str]) -> None:
    plot_curves(
        folder / "templates.png", _template_curves(done), "templates of a class at most", "accuracy", log_x=True
    )
    curves = {row: _chosen(done, row, 64, "random")[0]["curve"] for row in NETWORKS}
    curves = {row: (range(1, len(curve) + 1), curve) for row, curve in curves.items()}
    plot_curves(folder / "learning-curves.png", curves, "epoch", "accuracy on the random split's test part")
    for split in ("random", "scene"):
        cells = _chosen(done, "cnn-batchnorm", 64, split)
        true, given = (np.concatenate([cell[key] for cell in cells]) for key in ("true", "given"))
        plot_confusion(folder / f"confusion-{split}.png", true, given, names)
    plot_filters(folder / "filters.png", np.array(_chosen(done, "cnn-batchnorm", 64, "random")[0]["filters"]))


def _template_curves(done: Done) -> dict[str, tuple[Sequence[int], list[float]]]:
    accuracy: dict[tuple[str, int], list[float]] = {}
    for trial, cell in done.items():
        if trial.row in TEMPLATES and (trial.size, trial.split) == (64, "random"):
            accuracy.setdefault((trial.row, trial.templates), []).append(cell["accuracy"])
    return {
        row: (TEMPLATE_COUNTS, [float(np.mean(accuracy[row, count])) for count in TEMPLATE_COUNTS]) for row in TEMPLATES
    }
