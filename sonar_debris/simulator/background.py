"""Echoes without objects: smooth noise, speckle, clutter and the sea floor."""

import cv2
import numpy as np

from sonar_debris.simulator.fan import BEAMS, SAMPLES


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], rows: float, cols: float) -> np.ndarray:
    """Draw Gaussian noise of unit variance that is smooth over patches of about ``rows`` × ``cols``.

    Args:
        rng: random generator.
        shape: ``(height, width)`` of the result.
        rows: height of a patch, at least 1.
        cols: width of a patch, at least 1.

    Returns:
        ``(height, width)`` float32.
    """
    coarse_shape = (max(2, round(shape[0] / rows)), max(2, round(shape[1] / cols)))
    coarse = rng.standard_normal(coarse_shape, dtype=np.float32)
    noise = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return noise / noise.std()


def speckle(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw multiplicative speckle of an echo's power.

    Fully developed speckle is exponentially distributed. Neighbouring beams overlap, which leaves about 1.2 looks. The
    spread of grey levels is that of recorded frames: 14 of 255 over 80 dB.

    Args:
        rng: random generator.
        shape: ``(samples, beams)``.

    Returns:
        ``(samples, beams)`` float32 of mean 1.
    """
    power = rng.standard_exponential(shape, dtype=np.float32)
    return cv2.filter2D(power, -1, np.array([[0.05, 0.9, 0.05]], np.float32))


def clutter(rng: np.random.Generator) -> np.ndarray:
    """Draw the echo level of random clutter: arcs, streaks, glints and the comb near the sonar.

    Returns:
        ``(288, 128)`` float32 in dB, 0 where there is no clutter.
    """
    level = np.zeros((SAMPLES, BEAMS), np.float32)
    for draw, max_count in ((_draw_arc, 4), (_draw_streak, 3), (_draw_glint, 8)):
        for _ in range(rng.integers(0, max_count + 1)):
            draw(rng, level)
    if rng.random() < 0.25:
        _draw_comb(rng, level)
    return level


def _draw_arc(rng: np.random.Generator, level: np.ndarray) -> None:
    """Draw a thin line of nearly constant range over part of the beams."""
    first, count = rng.integers(0, BEAMS - 20), rng.integers(15, 90)
    beams = np.arange(first, min(int(first + count), BEAMS))
    samples = rng.integers(20, SAMPLES - 20) + (rng.uniform(-0.15, 0.15) * (beams - first)).astype(int)
    variation = 3 * smooth_noise(rng, (2, len(beams)), 1, 4)[0]
    level[np.clip(samples, 0, SAMPLES - 1), beams] = rng.uniform(22, 36) + variation


def _draw_streak(rng: np.random.Generator, level: np.ndarray) -> None:
    """Draw a radial line along one or two beams."""
    beam, first = rng.integers(2, BEAMS - 2), rng.integers(0, SAMPLES - 60)
    last = first + rng.integers(30, 140)
    variation = 2 * smooth_noise(rng, (SAMPLES, 2), 5, 1)[first:last, :1]
    level[first:last, beam : beam + rng.integers(1, 3)] = rng.uniform(20, 30) + variation


def _draw_glint(rng: np.random.Generator, level: np.ndarray) -> None:
    """Draw a short bright dash across a few beams."""
    sample, beam = rng.integers(10, SAMPLES - 10), rng.integers(0, BEAMS - 12)
    level[sample : sample + rng.integers(1, 4), beam : beam + rng.integers(2, 10)] = rng.uniform(20, 44)


def _draw_comb(rng: np.random.Generator, level: np.ndarray) -> None:
    """Draw a bright arc close to the sonar, interrupted by dark beams."""
    bow = (10 * np.cos(np.linspace(-1.2, 1.2, BEAMS)) ** 2).astype(int)
    samples = rng.integers(6, 26) + 10 - bow
    comb = np.where(np.arange(BEAMS) % rng.integers(6, 10) == 0, 0, rng.uniform(30, 46))
    for thickness in range(rng.integers(1, 5)):
        level[samples + thickness, np.arange(BEAMS)] = comb


def sea_floor(rng: np.random.Generator, insonified: bool) -> np.ndarray:
    """Draw the reverberation level of a random sea floor.

    The sonar's vertical beam reaches the sea floor from some range on; beyond it the level falls with range. A sea
    floor outside of the vertical beam is dark and even.

    Args:
        rng: random generator.
        insonified: whether part of the sea floor must be bright, so that shadows show on it.

    Returns:
        ``(288, 128)`` float32 in dB.
    """
    fraction = (np.arange(SAMPLES, dtype=np.float32)[:, None] + 0.5) / SAMPLES
    if insonified:
        level = _insonified_band(rng, fraction, rng.uniform(33, 44), rng.uniform(10, 28), latest_onset=0.2)
    elif rng.random() < 0.4:
        level = _insonified_band(rng, fraction, rng.uniform(25, 44), rng.uniform(15, 45), latest_onset=0.42)
    else:
        level = rng.uniform(14, 26) + rng.uniform(-6, 3) * fraction
    return level + _patches(rng)


def _insonified_band(
    rng: np.random.Generator, fraction: np.ndarray, brightest: float, fade: float, latest_onset: float
) -> np.ndarray:
    """Return a level in dB that rises at some range and then falls by ``fade`` dB over the length of the fan."""
    bearing = np.linspace(-1, 1, BEAMS, dtype=np.float32)
    onset = latest_onset * rng.uniform(0, 1) + rng.uniform(-0.03, 0.03) * bearing
    rise = (1 + np.tanh((fraction - onset) / rng.uniform(0.008, 0.06))) / 2
    loss = fade * np.clip(fraction - onset - rng.uniform(0.05, 0.35), 0, 1)
    return np.maximum(brightest - loss, 17) * rise


def _patches(rng: np.random.Generator) -> np.ndarray:
    """Return the texture of the sea floor and the gains of the beams, ``(288, 128)`` in dB."""
    shape = (SAMPLES, BEAMS)
    coarse = rng.uniform(0.6, 2) * smooth_noise(rng, shape, 50, 25)
    fine = rng.uniform(0.8, 2.4) * smooth_noise(rng, shape, rng.uniform(2, 4), rng.uniform(2, 5))
    beam_gain = rng.uniform(0.3, 0.8) * rng.standard_normal(BEAMS, dtype=np.float32)
    return coarse + fine + beam_gain
