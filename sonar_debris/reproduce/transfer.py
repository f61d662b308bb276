"""Does pre-training on turntable crops help where few water-tank crops are labelled?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import keras
import numpy as np

from sonar_debris.classifiers.networks import build_cnn_classifier
from sonar_debris.datasets.release import read_crops
from sonar_debris.datasets.splits import FOLDS
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.networks import load_network
from sonar_debris.reproduce.crop_experiments import (
    CropData,
    name_crops,
    read_crop_data,
    scored,
    split_crops,
    train_on_crops,
)
from sonar_debris.reproduce.study import Study, markdown_table, pooled_accuracy
from sonar_debris.training import save_network

SIZE = 64
TURNTABLE = "turntable-cropped"
# Crops of a class to learn from; the last stands for all of them.
COUNTS = (10, 30, 100, 1000)
ABOUT = """\
Accuracy in per cent of the CNN with batch-norm at 64×64, trained from scratch, or with all of its layers but the last
trained before on the turntable's 18 objects. Random split: mean ± standard deviation over seeds. Scene-disjoint: the
predictions of five folds pooled, ± over the folds."""


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        start: ``"turntable"`` or ``"scratch"``.
        count: crops of a class at most.
        split: ``"random"`` or ``"scene"``.
        fold: the scene fold tested on; of the random split, "".
        seed: of the choice of crops, the weights and the batches.
    """

    start: str
    count: int
    split: str
    fold: str
    seed: int

    @property
    def name(self) -> str:
        """Tells all that decides the result."""
        return f"{self.start}-{self.count}-{self.split}{self.fold}-seed{self.seed}"


def reproduce_transfer(study: Study) -> None:
    """Train with and without pre-training on ever more crops and write the report."""
    trials = list(_trials(study))
    ledger = study.ledger("transfer", len(trials))
    done = {trial: ledger.cell(trial.name, lambda trial=trial: _run(study, trial)) for trial in trials}
    splits = ("random", "scene")
    for split in splits:
        curves = {start: _curve(done, start, split) for start in ("turntable", "scratch")}
        path = study.folder / f"{split}.png"
        plot_curves(path, curves, "crops of a class at most", f"accuracy, {split} split", log_x=True)
    sections = [
        ABOUT,
        _table(done),
        *(f"![accuracy against crops, {split} split]({split}.png)" for split in splits),
    ]
    figures = {trial.name: cell["accuracy"] for trial, cell in done.items()}
    study.write("Pre-training on the turntable", sections, {"accuracy": figures})


def _trials(study: Study) -> Iterator[Trial]:
    seeds = range(study.seed, study.seed + (1 if study.quick else 3))
    folds = FOLDS[:1] if study.quick else FOLDS
    splits = [("random", "", seed) for seed in seeds] + [("scene", fold, study.seed) for fold in folds]
    for start in ("turntable", "scratch"):
        for count in COUNTS[:1] if study.quick else COUNTS:
            yield from (Trial(start, count, *split) for split in splits)


def _run(study: Study, trial: Trial) -> dict:
    train, test = (read_crop_data(study.root, part, SIZE) for part in split_crops(study.root, trial.split, trial.fold))
    build = _pretrained_builder(study, trial.seed) if trial.start == "turntable" else build_cnn_classifier
    network = _train(study, build, _few(train, trial.count, trial.seed), trial.seed)
    return scored(name_crops(network, test), test)


def _train(study: Study, build: Callable[[int], keras.Model], data: CropData, seed: int) -> keras.Model:
    return train_on_crops(study, lambda: build(len(data.class_names)), data.draw_jittered, seed)[0]


def _pretrained_builder(study: Study, seed: int) -> Callable[[int], keras.Model]:
    """A builder of networks that know the turntable's objects."""
    path = study.folder / f"turntable-seed{seed}.keras"
    if not path.is_file():
        data = read_crop_data(study.root, read_crops(study.root, TURNTABLE), SIZE, TURNTABLE)
        save_network(_train(study, build_cnn_classifier, data, seed), path)

    def build(classes: int) -> keras.Model:
        network = build_cnn_classifier(classes)
        for layer, known in zip(network.layers[:-1], load_network(path).layers[:-1], strict=True):
            layer.set_weights(known.get_weights())
        return network

    return build


def _few(data: CropData, count: int, seed: int) -> CropData:
    """At most ``count`` crops of each class, chosen at random."""
    order = np.random.default_rng(seed).permutation(len(data))
    chosen = np.concatenate([order[data.class_id[order] == k][:count] for k in range(len(data.class_names))])
    return replace(data, images=data.images[chosen], class_id=data.class_id[chosen])


def _chosen(done: dict[Trial, dict], start: str, count: int, split: str) -> list[dict]:
    wanted = (start, count, split)
    return [cell for trial, cell in done.items() if (trial.start, trial.count, trial.split) == wanted]


def _counts(done: dict[Trial, dict]) -> list[int]:
    return sorted({trial.count for trial in done})


def _table(done: dict[Trial, dict]) -> str:
    columns = [(start, split) for split in ("random", "scene") for start in ("turntable", "scratch")]
    rows = [
        [
            "all" if count == COUNTS[-1] else str(count),
            *(pooled_accuracy(_chosen(done, start, count, split)) for start, split in columns),
        ]
        for count in _counts(done)
    ]
    return markdown_table(["crops of a class", *(f"{split}: {start}" for start, split in columns)], rows)


def _curve(done: dict[Trial, dict], start: str, split: str) -> tuple[list[int], list[float]]:
    counts = _counts(done)
    means = [float(np.mean([cell["accuracy"] for cell in _chosen(done, start, count, split)])) for count in counts]
    return counts, means
