"""The seabed's reverberation over range and bearing."""

import numpy as np

from sonar_debris.simulator.fan import BEAMS, SAMPLES
from sonar_debris.simulator.noise import smooth_noise


def seabed(rng: np.random.Generator, lit: bool) -> np.ndarray:
    """Reverberation level of a random seabed, ``(288, 128)`` dB.

    The seabed is lit by the sonar's vertical beam from some range on, and fades with range; without a lit part it is
    an even, dark ground.

    Args:
        rng: source of randomness.
        lit: whether a part of the seabed has to be bright, for shadows to show on it.
    """
    fraction = (np.arange(SAMPLES, dtype=np.float32)[:, None] + 0.5) / SAMPLES
    if lit:
        level = _lit_band(rng, fraction, rng.uniform(33, 44), rng.uniform(10, 28), latest_onset=0.2)
    elif rng.random() < 0.4:
        level = _lit_band(rng, fraction, rng.uniform(25, 44), rng.uniform(15, 45), latest_onset=0.42)
    else:
        level = rng.uniform(14, 26) + rng.uniform(-6, 3) * fraction
    return level + _patches(rng)


def _lit_band(rng, fraction: np.ndarray, brightest: float, fade: float, latest_onset: float) -> np.ndarray:
    """Level in dB that rises at some range and then loses ``fade`` dB over the fan's length."""
    bearing = np.linspace(-1, 1, BEAMS, dtype=np.float32)
    onset = latest_onset * rng.uniform(0, 1) + rng.uniform(-0.03, 0.03) * bearing
    lit = (1 + np.tanh((fraction - onset) / rng.uniform(0.008, 0.06))) / 2
    faded = fade * np.clip(fraction - onset - rng.uniform(0.05, 0.35), 0, 1)
    return np.maximum(brightest - faded, 17) * lit


def _patches(rng) -> np.ndarray:
    shape = (SAMPLES, BEAMS)
    wide = rng.uniform(0.6, 2) * smooth_noise(rng, shape, 50, 25)
    fine = rng.uniform(0.8, 2.4) * smooth_noise(rng, shape, rng.uniform(2, 4), rng.uniform(2, 5))
    beam_gain = rng.uniform(0.3, 0.8) * rng.standard_normal(BEAMS, dtype=np.float32)
    return wide + fine + beam_gain
