"""Random fields that speckle, reverberation and texture are made of.

MERGED:
Returns that are nobody's object: reverberation arcs, streaks along a beam, the near-range comb, stray glints.
---
The seabed's reverberation over range and bearing.
"""

import cv2
import numpy as np

from sonar_debris.simulator.fan import BEAMS, SAMPLES


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], rows: float, cols: float) -> np.ndarray:
    """Normal noise of unit variance whose patches are about ``rows`` × ``cols`` large.

    Args:
        rng: source of randomness.
        shape: ``(height, width)`` of the field.
        rows: patch height in samples, at least 1.
        cols: patch width in samples, at least 1.

    Returns:
        ``(height, width)`` float32.
    """
    coarse = (max(2, round(shape[0] / rows)), max(2, round(shape[1] / cols)))
    field = rng.standard_normal(coarse, dtype=np.float32)
    field = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return field / field.std()


def speckle(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Multiplicative speckle of a backscattered power, ``(samples, beams)`` float32 of mean 1.

    Fully developed speckle is exponential; neighbouring beams see a part of the same cells, which leaves about
    1.2 looks and the spread measured on recorded frames, 14 grey levels of 255 over 80 dB.
    """
    field = rng.standard_exponential(shape, dtype=np.float32)
    return cv2.filter2D(field, -1, np.array([[0.05, 0.9, 0.05]], np.float32))


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
