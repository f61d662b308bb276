"""The transfer study: does pre-training on turntable crops help if few water-tank crops are labelled?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import keras
import numpy as np

from sonar_debris.classifiers.networks import build_cnn_classifier
from sonar_debris.datasets.release import read_crops
from sonar_debris.datasets.splits import FOLDS
from sonar_debris.evaluation.plots import plot_curves
from sonar_debris.networks import load_network, save_network
from sonar_debris.reproduce.crop_experiments import (
    CropData,
    classify_crops,
    pooled_accuracy,
    read_crop_data,
    score_predictions,
    split_crops,
    train_on_crops,
)
from sonar_debris.reproduce.study import Result, Study, markdown_table

SIZE = 64
TURNTABLE = "turntable-cropped"
STARTS = ("turntable", "scratch")
SPLITS = ("random", "scene")
# Largest numbers of training crops per class; the last one includes all crops.
COUNTS = (10, 30, 100, 1000)
ABOUT = """\
Accuracy in per cent of the CNN with batch-norm at 64×64, trained from scratch, or with all layers but the last
pre-trained on the turntable's 18 objects. Random split: mean ± standard deviation over seeds. Scene-disjoint: pooled
predictions of five folds, ± over the folds."""


@dataclass(frozen=True)
class Trial:
    """One training.

    Attributes:
        start: one of `STARTS`.
        count: largest number of training crops per class.
        split: one of `SPLITS`.
        fold: the scene fold to test on; "" for the random split.
        seed: seed of the choice of crops, the weights and the batches.
    """

    start: str
    count: int
    split: str
    fold: str
    seed: int

    @property
    def name(self) -> str:
        """A name that contains everything that determines the result."""
        return f"{self.start}-{self.count}-{self.split}{self.fold}-seed{self.seed}"


Results = dict[Trial, Result]


def reproduce_transfer(study: Study) -> None:
    """Train with and without pre-training on rising numbers of crops and write the report."""
    trials = list(_list_trials(study))
    cache = study.open_cache("transfer", len(trials))
    results = {trial: cache.get_or_compute(trial.name, partial(_run_trial, study, trial)) for trial in trials}
    sections = [ABOUT, _accuracy_table(results)]
    for split in SPLITS:
        curves = {start: _accuracy_curve(results, start, split) for start in STARTS}
        path = study.folder / f"{split}.png"
        plot_curves(path, curves, "crops per class at most", f"accuracy, {split} split", log_x=True)
        sections.append(f"![accuracy against crops, {split} split]({split}.png)")
    accuracy = {trial.name: result["accuracy"] for trial, result in results.items()}
    study.write_report("Pre-training on the turntable", sections, {"accuracy": accuracy})


def _list_trials(study: Study) -> Iterator[Trial]:
    seeds = range(study.seed, study.seed + (1 if study.quick else 3))
    folds = FOLDS[:1] if study.quick else FOLDS
    runs = [("random", "", seed) for seed in seeds] + [("scene", fold, study.seed) for fold in folds]
    for start in STARTS:
        for count in COUNTS[:1] if study.quick else COUNTS:
            yield from (Trial(start, count, *run) for run in runs)


def _run_trial(study: Study, trial: Trial) -> Result:
    train_crops, test_crops = split_crops(study.root, trial.split, trial.fold)
    train, test = read_crop_data(study.root, train_crops, SIZE), read_crop_data(study.root, test_crops, SIZE)
    build = _pretrained_builder(study, trial.seed) if trial.start == "turntable" else build_cnn_classifier
    network = _train(study, build, _limit_crops(train, trial.count, trial.seed), trial.seed)
    return score_predictions(classify_crops(network, test), test)


def _train(study: Study, build: Callable[[int], keras.Model], data: CropData, seed: int) -> keras.Model:
    network, _ = train_on_crops(study, partial(build, len(data.class_names)), data.draw_jittered, seed)
    return network


def _pretrained_builder(study: Study, seed: int) -> Callable[[int], keras.Model]:
    """Return a builder of networks whose layers but the last were trained on the turntable's objects."""
    path = study.folder / f"turntable-seed{seed}.keras"
    if not path.is_file():
        data = read_crop_data(study.root, read_crops(study.root, TURNTABLE), SIZE, TURNTABLE)
        save_network(_train(study, build_cnn_classifier, data, seed), path)

    def build(classes: int) -> keras.Model:
        network = build_cnn_classifier(classes)
        pretrained = load_network(path)
        for layer, pretrained_layer in zip(network.layers[:-1], pretrained.layers[:-1], strict=True):
            layer.set_weights(pretrained_layer.get_weights())
        return network

    return build


def _limit_crops(data: CropData, count: int, seed: int) -> CropData:
    """Choose at most ``count`` random crops of each class."""
    order = np.random.default_rng(seed).permutation(len(data))
    classes = range(len(data.class_names))
    chosen = np.concatenate([order[data.class_id[order] == class_id][:count] for class_id in classes])
    return replace(data, images=data.images[chosen], class_id=data.class_id[chosen])


def _select(results: Results, start: str, count: int, split: str) -> list[Result]:
    """Return the results of all folds or seeds."""
    selection = (start, count, split)
    return [result for trial, result in results.items() if (trial.start, trial.count, trial.split) == selection]


def _counts(results: Results) -> list[int]:
    return sorted({trial.count for trial in results})


def _accuracy_table(results: Results) -> str:
    columns = [(start, split) for split in SPLITS for start in STARTS]
    rows = []
    for count in _counts(results):
        accuracies = [pooled_accuracy(_select(results, start, count, split)) for start, split in columns]
        rows.append(["all" if count == COUNTS[-1] else str(count), *accuracies])
    return markdown_table(["crops per class", *(f"{split}: {start}" for start, split in columns)], rows)


def _accuracy_curve(results: Results, start: str, split: str) -> tuple[list[int], list[float]]:
    """Return the numbers of crops per class, and the mean accuracy with each."""
    counts = _counts(results)
    selections = [_select(results, start, count, split) for count in counts]
    return counts, [float(np.mean([result["accuracy"] for result in selection])) for selection in selections]
