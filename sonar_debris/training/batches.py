"""Batches drawn afresh for every epoch, the same for the same seed."""

from collections.abc import Callable

import keras
import numpy as np

Sample = Callable[[np.random.Generator], tuple[np.ndarray, object]]


class SampledBatches(keras.utils.PyDataset):
    """A Keras dataset that draws each of its samples with a random generator of its own.

    Args:
        sample: draws one input and its target.
        batch_size: samples a batch.
        steps: batches an epoch.
        seed: with the epoch and the batch's number it decides all draws, in whatever order they are made.
    """

    def __init__(self, sample: Sample, batch_size: int, steps: int, seed: int = 0):
        super().__init__(workers=2)
        self.sample = sample
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        inputs, targets = zip(*(self.sample(rng) for _ in range(self.batch_size)), strict=True)
        return np.stack(inputs), np.array(targets)

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Every batch of this epoch as one pair of arrays, for validation."""
        inputs, targets = zip(*(self[index] for index in range(self.steps)), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)
