"""Returns that are nobody's object: reverberation arcs, streaks along a beam, the near-range comb, stray glints."""

import numpy as np

from sonar_debris.simulator.fan import BEAMS, SAMPLES
from sonar_debris.simulator.noise import smooth_noise


def clutter(rng: np.random.Generator) -> np.ndarray:
    """Level of all clutter of a random frame, ``(288, 128)`` float32 dB, 0 where there is none."""
    level = np.zeros((SAMPLES, BEAMS), np.float32)
    for draw, most in ((_arc, 4), (_streak, 3), (_glint, 8)):
        for _ in range(rng.integers(0, most + 1)):
            draw(rng, level)
    if rng.random() < 0.25:
        _comb(rng, level)
    return level


def _arc(rng, level: np.ndarray) -> None:
    """A thin line of nearly constant range, over a part of the beams."""
    first, count = rng.integers(0, BEAMS - 20), rng.integers(15, 90)
    beams = np.arange(first, min(first + count, BEAMS))
    samples = rng.integers(20, SAMPLES - 20) + (rng.uniform(-0.15, 0.15) * (beams - first)).astype(int)
    lumps = 3 * smooth_noise(rng, (2, len(beams)), 1, 4)[0]
    level[np.clip(samples, 0, SAMPLES - 1), beams] = rng.uniform(22, 36) + lumps


def _streak(rng, level: np.ndarray) -> None:
    """A line along one beam, outwards from some range."""
    beam, first = rng.integers(2, BEAMS - 2), rng.integers(0, SAMPLES - 60)
    last = first + rng.integers(30, 140)
    lumps = 2 * smooth_noise(rng, (SAMPLES, 2), 5, 1)[first:last, :1]
    level[first:last, beam : beam + rng.integers(1, 3)] = rng.uniform(20, 30) + lumps


def _glint(rng, level: np.ndarray) -> None:
    """A short bright dash across a few beams."""
    sample, beam = rng.integers(10, SAMPLES - 10), rng.integers(0, BEAMS - 12)
    level[sample : sample + rng.integers(1, 4), beam : beam + rng.integers(2, 10)] = rng.uniform(20, 44)


def _comb(rng, level: np.ndarray) -> None:
    """A bright arc close to the sonar, cut by dark beams."""
    bow = (10 * np.cos(np.linspace(-1.2, 1.2, BEAMS)) ** 2).astype(int)
    samples = rng.integers(6, 26) + 10 - bow
    comb = np.where(np.arange(BEAMS) % rng.integers(6, 10) == 0, 0, rng.uniform(30, 46))
    for thickness in range(rng.integers(1, 5)):
        level[samples + thickness, np.arange(BEAMS)] = comb
