"""A sampler over two small frames, and a training of one batch."""

import numpy as np
import pytest

from sonar_debris.datasets.training_frames import training_frame
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.training import TrainingConfig


@pytest.fixture
def frames():
    image = np.random.default_rng(0).uniform(0.2, 0.4, (160, 140)).astype(np.float32)
    image[40:90, 30:80] += 0.5
    return [training_frame(image, np.array([[30, 40, 80, 90]], np.float32), np.array([k])) for k in range(2)]


@pytest.fixture
def sampler(frames) -> WindowSampler:
    return WindowSampler(frames)


@pytest.fixture
def config() -> TrainingConfig:
    return TrainingConfig(epochs=1, steps=1, batch_size=2)
