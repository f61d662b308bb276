"""Reflectors: objects as an echo, a body that blocks sound, and a shadow; and the canvas to draw them on."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sonar_debris.simulator.fan import COLS, ROWS

Points = np.ndarray | Sequence[tuple[float, float]]
_FRACTION_BITS = 4  # cv2 draws at 1/16 pixel


class Canvas:
    """The echo and the body of a reflector, drawn in the reflector's own coordinates.

    Points are ``(N, 2)`` pixels (x, y) relative to the reflector's centre, before scaling and rotation: x to the
    right, y downwards, towards the sonar. Later strokes replace earlier ones.

    Args:
        centre: column and row of the reflector's centre in the frame.
        scale: size factor.
        angle: clockwise rotation in degrees.

    Attributes:
        echo: ``(480, 320)`` float32 echo level in dB, 0 where there is no echo.
        body: ``(480, 320)`` uint8, 1 where sound is blocked, which causes the shadow.
    """

    def __init__(self, centre: tuple[float, float], scale: float = 1.0, angle: float = 0.0) -> None:
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        self._transform = scale * np.array([[cos, sin], [-sin, cos]])
        self._scale = scale
        self._centre = np.asarray(centre)
        self.echo = np.zeros((ROWS, COLS), np.float32)
        self.body = np.zeros((ROWS, COLS), np.uint8)

    def line(self, points: Points, level: float | Sequence[float] | np.ndarray, width: float = 2.0) -> None:
        """Draw a polyline.

        Args:
            points: ``(N, 2)`` vertices.
            level: echo level in dB of the line, or ``(N - 1,)`` levels of its segments.
            width: line width before scaling.
        """
        pixels = self._to_pixels(points)
        levels = np.broadcast_to(level, len(pixels) - 1)
        thickness = max(1, round(width * self._scale))
        for start, stop, value in zip(pixels[:-1], pixels[1:], levels, strict=True):
            cv2.line(self.echo, start.tolist(), stop.tolist(), float(value), thickness, cv2.LINE_8, _FRACTION_BITS)

    def fill(self, points: Points, level: float) -> None:
        """Fill a polygon.

        Args:
            points: ``(N, 2)`` vertices.
            level: echo level in dB.
        """
        cv2.fillPoly(self.echo, [self._to_pixels(points)], float(level), cv2.LINE_8, _FRACTION_BITS)

    def block(self, points: Points) -> None:
        """Block the sound inside a polygon of ``(N, 2)`` vertices."""
        cv2.fillPoly(self.body, [self._to_pixels(points)], 1, cv2.LINE_8, _FRACTION_BITS)

    def _to_pixels(self, points: Points) -> np.ndarray:
        pixels = np.asarray(points, float) @ self._transform + self._centre
        return np.round(pixels * 2**_FRACTION_BITS).astype(np.int32)


def arc(
    width: float,
    height: float,
    start: float = 0.0,
    stop: float = 360.0,
    centre: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Return points on an elliptic arc.

    Args:
        width: width of the whole ellipse.
        height: height of the whole ellipse.
        start: angle of the first point in degrees: 0 is to the right, 90 towards the sonar.
        stop: angle of the last point in degrees.
        centre: x and y of the ellipse's centre.

    Returns:
        ``(41, 2)`` points.
    """
    angle = np.radians(np.linspace(start, stop, 41))
    return np.stack([width / 2 * np.cos(angle), height / 2 * np.sin(angle)], axis=1) + centre


def box(width: float, height: float, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Return the corners of an upright rectangle.

    Args:
        width: width of the rectangle.
        height: height of the rectangle.
        centre: x and y of its centre.

    Returns:
        ``(4, 2)`` points.
    """
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2) + centre


@dataclass(frozen=True)
class Reflector:
    """An object in the frame.

    Attributes:
        echo: ``(480, 320)`` float32 echo level in dB, 0 where there is no echo.
        body: ``(480, 320)`` uint8, 1 where sound is blocked.
        shadow: length of the acoustic shadow behind the body, in pixels of range.
        outline: ``(480, 320)`` bool, the pixels that the labelled box bounds.
        ringing: level in dB along both edges of the shadow, from sound that reverberates in a hollow object.
        min_visible: least fraction of the outline inside the fan for the object to be labelled.
    """

    echo: np.ndarray
    body: np.ndarray
    shadow: float
    outline: np.ndarray
    ringing: float = 0.0
    min_visible: float = 0.6


def echo_reflector(canvas: Canvas, shadow: float, ringing: float = 0.0) -> Reflector:
    """Return a reflector whose box bounds its echo, as for most classes.

    Args:
        canvas: the drawn echo and body.
        shadow: length of the shadow in pixels of range.
        ringing: level in dB along the edges of the shadow; 0 for a solid object.

    Returns:
        The reflector.
    """
    return Reflector(canvas.echo, canvas.body, shadow, canvas.echo > 0, ringing)


def silhouette_reflector(canvas: Canvas) -> Reflector:
    """Return a reflector that shows as a dark silhouette on the sea floor, whose box bounds its body."""
    return Reflector(canvas.echo, canvas.body, 1.0, canvas.body > 0)
