"""What one object does to the sound."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reflector:
    """An object in the frame, or the part of it inside the fan.

    Attributes:
        echo: ``(480, 320)`` float32 echo level in dB, 0 where nothing returns.
        body: ``(480, 320)`` uint8, 1 where sound is blocked.
        shadow: length of the acoustic shadow behind the body, in pixels of range.
        outline: ``(480, 320)`` bool, the pixels that its box bounds.
        ringing: level in dB along the shadow's two edges, from sound that bounces inside a hollow object.
        least_visible: share of the outline that has to lie in the fan for the object to be recognised.
    """

    echo: np.ndarray
    body: np.ndarray
    shadow: float
    outline: np.ndarray
    ringing: float = 0.0
    least_visible: float = 0.6


def echo_reflector(canvas, shadow: float, ringing: float = 0.0) -> Reflector:
    """A reflector whose box bounds its echo, as for most classes."""
    return Reflector(canvas.echo, canvas.body, shadow, canvas.echo > 0, ringing)


def silhouette_reflector(canvas) -> Reflector:
    """A reflector that shows as the dark outline of its body before the lit seabed, and is boxed so."""
    return Reflector(canvas.echo, canvas.body, 1.0, canvas.body > 0)
