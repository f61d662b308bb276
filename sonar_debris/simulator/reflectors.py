"""Drawing a reflector's echo in the frame.

MERGED:
What one object does to the sound.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from sonar_debris.simulator.fan import COLS, ROWS

_SHIFT = 4  # cv2 draws at 1/16 pixel


class Canvas:
    """The echo and the body of one reflector, drawn in its own coordinates.

    Points are ``(N, 2)`` arrays of (x, y) pixels from the reflector's centre before it is scaled and turned: x to
    the right, y downwards, which is towards the sonar. Later strokes replace earlier ones.

    Attributes:
        echo: ``(480, 320)`` float32 echo level in dB, 0 where nothing returns.
        body: ``(480, 320)`` uint8, 1 where sound is blocked, which throws the shadow.
    """

    def __init__(self, centre: tuple[float, float], scale: float = 1.0, turn: float = 0.0):
        """Start empty.

        Args:
            centre: column and row of the reflector's centre in the frame.
            scale: size factor.
            turn: angle in degrees by which the reflector is turned, clockwise.
        """
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        self._turn = scale * np.array([[cos, sin], [-sin, cos]])
        self._scale = scale
        self._centre = np.asarray(centre)
        self.echo = np.zeros((ROWS, COLS), np.float32)
        self.body = np.zeros((ROWS, COLS), np.uint8)

    def line(self, points, level, width: float = 2.0) -> None:
        """Draw a polyline; ``level`` is its echo in dB, or one value a segment."""
        pixels = self._pixels(points)
        levels = np.broadcast_to(level, len(pixels) - 1)
        thickness = max(1, round(width * self._scale))
        for start, stop, value in zip(pixels[:-1], pixels[1:], levels, strict=True):
            cv2.line(self.echo, start.tolist(), stop.tolist(), float(value), thickness, cv2.LINE_8, _SHIFT)

    def fill(self, points, level: float) -> None:
        """Fill a polygon with an echo of ``level`` dB."""
        cv2.fillPoly(self.echo, [self._pixels(points)], float(level), cv2.LINE_8, _SHIFT)

    def block(self, points) -> None:
        """Let a polygon block the sound."""
        cv2.fillPoly(self.body, [self._pixels(points)], 1, cv2.LINE_8, _SHIFT)

    def _pixels(self, points) -> np.ndarray:
        pixels = np.asarray(points, float) @ self._turn + self._centre
        return np.round(pixels * 2**_SHIFT).astype(np.int32)


def arc(width: float, height: float, start: float = 0.0, stop: float = 360.0, centre=(0.0, 0.0)) -> np.ndarray:
    """Points ``(41, 2)`` of an ellipse's arc; angles in degrees, 0 to the right, 90 towards the sonar."""
    angle = np.radians(np.linspace(start, stop, 41))
    return np.stack([width / 2 * np.cos(angle), height / 2 * np.sin(angle)], axis=1) + centre


def box(width: float, height: float, centre=(0.0, 0.0)) -> np.ndarray:
    """Corners ``(4, 2)`` of an upright rectangle."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2) + centre


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
