"""Reproduce published results on the real data and compare the figures.

Importing this package is cheap: a study's module, and Keras with it, is imported by `load_study`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sonar_debris.reproduce.study import Study

_PACKAGE = "sonar_debris.reproduce"
# For each study, the function that runs it ("module:function") and a one-line summary.
STUDIES = {
    "classification": (
        f"{_PACKAGE}.classification:reproduce_classification",
        "Classify crops by CNNs, MLPs and template matching.",
    ),
    "objectness": (
        f"{_PACKAGE}.objectness:reproduce_objectness",
        "Compare the recall of proposal methods.",
    ),
    "novel-objects": (
        f"{_PACKAGE}.novel_objects:reproduce_novel_objects",
        "Find objects of classes left out of training.",
    ),
    "end-to-end": (
        f"{_PACKAGE}.end_to_end:reproduce_end_to_end",
        "Detect and classify objects in whole frames.",
    ),
    "transfer": (
        f"{_PACKAGE}.transfer:reproduce_transfer",
        "Compare pre-training with training from scratch.",
    ),
}


def load_study(name: str) -> Callable[[Study], None]:
    """Import the function that runs a study and writes its report.

    Args:
        name: a key of `STUDIES`.

    Returns:
        A function of the settings of the run.

    Raises:
        KeyError: no study has this name.
    """
    location, _ = STUDIES[name]
    module, function = location.split(":")
    run: Callable[[Study], None] = getattr(import_module(module), function)
    return run
