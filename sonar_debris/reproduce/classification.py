"""Ten ways to name a crop, on the random split and on layouts never seen, beside the published figures."""

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from sonar_debris.baselines.template_matching import TemplateMatchingClassifier
from sonar_debris.datasets.splits import FOLDS
from sonar_debris.reproduce import published
from sonar_debris.reproduce.crop_data import CropData, read_crop_data, split_crops
from sonar_debris.reproduce.plots import plot_confusion, plot_curves, plot_filters
from sonar_debris.reproduce.study import Study, markdown_table, percent, pooled_accuracy
from sonar_debris.training.classifier import train_classifier
from sonar_debris.training.fit import Schedule

TITLE = "Classification of crops: ten rows"
NETWORKS = tuple(row for row in published.CLASSIFICATION if not row.startswith("template"))
TEMPLATES = tuple(
    f"template-{similarity}{normalised}"
    for similarity in ("cross_correlation", "sum_of_squared_differences")
    for normalised in ("", "-normalised")
)
# The augmentations are compared on these rows only, at 64×64.
AUGMENTED = ("cnn-batchnorm", "cnn-dropout", "mlp-batchnorm-relu")
# The first was chosen by cross-validation within the random split's training part: 5 errors of CNN+BN in 831 crops,
# where without augmentation there were 11, and no fewer in twice as many steps.
AUGMENTATIONS = ("jittered", "published", "none")
# At most 115 templates of each class are 8.5 million pixels at 96×96, as published.
TEMPLATES_PER_CLASS = 115
TEMPLATE_COUNTS = (1, 2, 5, 10, 20, 50, 100, 200)
ABOUT = """\
Accuracy in per cent. Random split: mean ± standard deviation over seeds; it tests on near-copies of training crops.
Scene-disjoint: the predictions of five folds, each of layouts that training never showed, pooled; ± is the standard
deviation over the folds. The number of weights of a template matcher is that of its templates' pixels, on the random
split. Every network is trained alike: each crop with zero mean and unit deviation, AdamW, 400 batches of 64."""


@dataclass(frozen=True)
class Trial:
    """One row on one split with one seed.

    Attributes:
        row: a network's or a template matcher's name.
        size: side of the crops.
        split: ``"random"`` or ``"scene"``.
        fold: the scene fold tested on; of the random split, "".
        seed: of weights, batches and templates.
        augmentation: one of ``AUGMENTATIONS``; of no meaning for template matching.
        templates: of a class at most.
    """

    row: str
    size: int
    split: str
    fold: str
    seed: int
    augmentation: str = AUGMENTATIONS[0]
    templates: int = TEMPLATES_PER_CLASS

    @property
    def name(self) -> str:
        """Tells all that decides the result."""
        how = f"{self.templates}-templates" if self.row in TEMPLATES else self.augmentation
        return f"{self.row}-{self.size}-{how}-{self.split}{self.fold}-seed{self.seed}"


def reproduce_classification(study: Study) -> None:
    """Run all trials and write the report."""
    trials = list(_trials(study))
    ledger = study.ledger("classification", len(trials))
    done = {trial: ledger.cell(trial.name, lambda trial=trial: _run(study, trial)) for trial in trials}
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
        _augmentation_table(done),
        "## Plots",
        "![accuracy against templates](templates.png)",
        "![accuracy after each epoch](learning-curves.png)",
        "![confusion of CNN+BN, scene-disjoint](confusion-scene.png)",
        "![confusion of CNN+BN, random split](confusion-random.png)",
        "![first-layer filters of CNN+BN](filters.png)",
    ]
    figures = {trial.name: {"accuracy": cell["accuracy"], "weights": cell["weights"]} for trial, cell in done.items()}
    study.write(TITLE, sections, {"trials": figures})


def _trials(study: Study) -> Iterator[Trial]:
    seeds = range(study.seed, study.seed + (1 if study.quick else 3))
    folds = FOLDS[:1] if study.quick else FOLDS
    splits = [("random", "", seed) for seed in seeds] + [("scene", fold, study.seed) for fold in folds]
    for size in (64,) if study.quick else (64, 96):
        for row in (*TEMPLATES, *NETWORKS):
            yield from (Trial(row, size, *split) for split in splits)
    for row in AUGMENTED[:1] if study.quick else AUGMENTED:
        yield from (Trial(row, 64, *split, augmentation=one) for one in AUGMENTATIONS[1:] for split in splits)
    for row in TEMPLATES:
        for count in TEMPLATE_COUNTS:
            yield from (Trial(row, 64, "random", "", seed, templates=count) for seed in seeds)


def _run(study: Study, trial: Trial) -> dict:
    # Template matching normalises by itself, or shows what becomes of it without.
    run, normalised = (_match, False) if trial.row in TEMPLATES else (_train, True)
    train, test = (
        read_crop_data(study.root, part, trial.size, normalised=normalised)
        for part in split_crops(study.root, trial.split, trial.fold)
    )
    result, given = run(study, trial, train, test)
    accuracy = float((given == test.class_id).mean())
    return result | {"accuracy": accuracy, "given": given.tolist(), "true": test.class_id.tolist()}


def _match(study: Study, trial: Trial, train: CropData, test: CropData) -> tuple[dict, np.ndarray]:
    _, similarity, *normalised = trial.row.split("-")
    matcher = TemplateMatchingClassifier(
        similarity, normalised=bool(normalised), templates_per_class=trial.templates, random_state=trial.seed
    )
    matcher.fit(train.images.reshape(len(train), -1), train.class_id)
    return {"weights": int(matcher.templates_.size)}, matcher.predict(test.images.reshape(len(test), -1))


def _train(study: Study, trial: Trial, train: CropData, test: CropData) -> tuple[dict, np.ndarray]:
    schedule = Schedule(
        *((2, 10) if study.quick else (10, 40)),
        seed=trial.seed,
        precision=study.precision,
    )
    draw = {"jittered": train.draw_jittered, "published": train.draw_published, "none": train.draw}[trial.augmentation]
    with tempfile.TemporaryDirectory() as run:
        network = train_classifier(trial.row, train.class_names, draw, test.draw, schedule, Path(run), trial.size)
        curve = _learning_curve(Path(run) / "classifier.csv")
    kernels = network.weights[0].numpy() if trial.row.startswith("cnn") else np.zeros(0)
    result = {"weights": network.count_params(), "curve": curve, "filters": kernels.tolist()}
    given = network.predict(test.images[..., None], batch_size=64, verbose=0).argmax(axis=1)
    keras.utils.clear_session()  # or the graphs of a hundred trainings pile up in memory
    return result, given


def _learning_curve(log: Path) -> list[float]:
    with log.open(newline="") as lines:
        return [float(row["val_accuracy"]) for row in csv.DictReader(lines)]


Done = dict[Trial, dict]


def _chosen(done: Done, row: str, size: int, split: str, augmentation: str = AUGMENTATIONS[0]) -> list[dict]:
    wanted = (row, size, split, augmentation, TEMPLATES_PER_CLASS)
    return [
        cell
        for trial, cell in done.items()
        if (trial.row, trial.size, trial.split, trial.augmentation, trial.templates) == wanted
    ]


def _table(done: Done, size: int) -> str:
    rows = []
    for row in (*NETWORKS, *TEMPLATES):
        accuracy, _ = published.CLASSIFICATION.get(row, (None, None))
        cells = [_chosen(done, row, size, split) for split in ("random", "scene")]
        rows.append([row, f"{cells[0][0]['weights']:,}", percent(accuracy), *map(pooled_accuracy, cells)])
    return markdown_table(["row", "weights", "published", "random split", "scene-disjoint"], rows)


def _augmentation_table(done: Done) -> str:
    columns = [(split, one) for split in ("random", "scene") for one in AUGMENTATIONS]
    rows = [
        [row, *(pooled_accuracy(_chosen(done, row, 64, *column)) for column in columns)]
        for row in AUGMENTED
        if _chosen(done, row, 64, *columns[-1])
    ]
    return markdown_table(["row at 64×64", *(f"{split}, {one}" for split, one in columns)], rows)


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
