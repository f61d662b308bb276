"""What one stage of the pipeline hands on to the next, gathered on training frames for the next to learn from."""

from collections.abc import Sequence
from dataclasses import replace

import keras

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detection.proposals import propose
from sonar_debris.detection.refinement import refine
from sonar_debris.networks.box_refiner import CONTEXT
from sonar_debris.networks.objectness import make_dense
from sonar_debris.training.progress import with_progress

# Neighbouring frames are near-copies, and so are their proposals: one frame in this many is enough.
EVERY = 3
STEP = 3
COUNT = 60


def mine_proposals(objectness: keras.Model, frames: Sequence[TrainingFrame]) -> list[TrainingFrame]:
    """Give one frame in three the proposals that the objectness network makes in it.

    Args:
        objectness: a trained network of `build_objectness`.
        frames: with or without proposals.

    Returns:
        The frames, in order.
    """
    dense = make_dense(objectness, STEP)
    mined = list(frames)
    for number in with_progress(range(0, len(frames), EVERY), "gathering proposals"):
        (proposals,) = propose(dense, [frames[number].image], STEP, COUNT)
        mined[number] = replace(frames[number], proposals=proposals)
    return mined


def refine_proposals(refiner: keras.Model, frames: Sequence[TrainingFrame]) -> list[TrainingFrame]:
    """Replace the frames' proposals by the boxes that the refiner makes of them.

    Args:
        refiner: a trained network of `build_box_refiner`.
        frames: with proposals, some of them.

    Returns:
        The frames, in order.
    """
    refined = []
    for frame in with_progress(frames, "refining proposals"):
        (boxes,), _ = refine(refiner, [frame.image], [frame.proposals], CONTEXT)
        refined.append(replace(frame, proposals=boxes))
    return refined
