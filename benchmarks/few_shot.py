"""Measure what learning a place gains: each fold's held-out network learns a few frames of each layout.

For each fold of the scene split, the network that was trained without it (``benchmarks/held_out``) is fine-tuned, as
``sonar-debris survey learn`` does, on a few frames of each of the fold's layouts, with the labels of the release. It is
then measured on the fold's other frames, before and after. The folds are pooled. A fold whose model exists in the
output folder is not trained again.

    python benchmarks/few_shot.py marine-debris-fls -o runs/few-shot-3
    python benchmarks/few_shot.py marine-debris-fls -o runs/random-3 --choice random
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.splits import FOLDS, frame_signature, scenes_of
from sonar_debris.datasets.training_set import Selection
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.single_pass.fine_tuning import FineTuningConfig, fine_tune_detector
from sonar_debris.evaluation.detection_metrics import evaluate_detections
from sonar_debris.frames.pixels import preprocess
from sonar_debris.survey.suggestion import choose_frames, score_uncertainty

HELD_OUT = Path(__file__).parent / "held_out"
CHOICES = ("suggest", "random")


def choose(
    frames: Sequence[LabelledFrame], scenes: Sequence[str], model: Path, count: int, choice: str, seed: int
) -> list[int]:
    """Return the indices of ``count`` frames of each scene."""
    detector, rng = DebrisDetector.from_pretrained(model), np.random.default_rng(seed)
    chosen: list[int] = []
    for scene in dict.fromkeys(scenes):
        members = np.array([index for index, other in enumerate(scenes) if other == scene])
        if choice == "random":
            picked = rng.choice(len(members), min(count, len(members)), replace=False)
        else:
            images = [frames[index].load() for index in members]
            signatures = np.stack([frame_signature(preprocess(image)[0]) for image in images])
            uncertainty = np.array([score_uncertainty(detector.detect(image).score) for image in images])
            picked = np.array(choose_frames(signatures, uncertainty, count))
        chosen += members[picked].tolist()
    return chosen


def detect(model: Path, frames: Sequence[LabelledFrame]) -> list[Detections]:
    """Return all detections of a model, down to the lowest score."""
    detector = DebrisDetector.from_pretrained(model, min_score=0.0)
    return [detector.detect(frame.load()) for frame in frames]


def print_line(name: str, frames: Sequence[LabelledFrame], detections: Sequence[Detections]) -> None:
    """Print mAP and the best F1."""
    metrics = evaluate_detections(frames, detections, CLASS_NAMES)
    figures = f"mAP@0.5 {metrics.map50:.4f}  mAP@[.5:.95] {metrics.map50_95:.4f}  F1 {metrics.best.f1:.4f}"
    print(f"{name}  {len(frames)} frames  {figures}", flush=True)


def main() -> None:
    """Parse the arguments, learn and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the public release")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the models")
    parser.add_argument("--frames", type=int, default=3, help="frames to learn of each layout (default: 3)")
    parser.add_argument("--choice", choices=CHOICES, default=CHOICES[0], help="how they are chosen")
    parser.add_argument("--averaging", type=float, default=FineTuningConfig.averaging, help="weight of the new network")
    parser.add_argument("--steps", type=int, default=FineTuningConfig.steps, help="length of the training")
    parser.add_argument("--seed", type=int, default=0, help="seed of samples and of the random choice")
    options = parser.parse_args()
    config = FineTuningConfig(steps=options.steps, averaging=options.averaging, seed=options.seed)
    pooled: list[LabelledFrame] = []
    before: list[Detections] = []
    after: list[Detections] = []
    for fold in FOLDS:
        frames = Selection(options.data, "scene", (fold,)).labelled_frames()
        scenes, held_out = scenes_of(options.data, frames), HELD_OUT / f"fold{fold}"
        chosen = choose(frames, scenes, held_out, options.frames, options.choice, options.seed)
        learnt, others = [frames[k] for k in chosen], [frame for k, frame in enumerate(frames) if k not in set(chosen)]
        model = options.output / f"fold{fold}"
        if not (model / "model.json").exists():
            start = time.monotonic()
            fine_tune_detector(learnt, CLASS_NAMES, model, init=held_out, config=config)
            print(f"fold {fold}: learnt {len(learnt)} frames in {time.monotonic() - start:.0f} s", flush=True)
        pooled += others
        before += detect(held_out, others)
        after += detect(model, others)
        print_line(f"fold {fold} before", others, before[-len(others) :])
        print_line(f"fold {fold} after ", others, after[-len(others) :])
    print_line("pooled before", pooled, before)
    print_line("pooled after ", pooled, after)


if __name__ == "__main__":
    main()
