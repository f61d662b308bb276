"""Extract windows from frames: rectangles of any scale, rotation and mirroring, as squares for a network."""

from dataclasses import dataclass

import cv2
import numpy as np

from sonar_debris.boxes import centre_and_extent, from_centre_and_extent


@dataclass(frozen=True)
class Window:
    """A rectangle in a frame, which may be rotated about its centre and mirrored.

    Attributes:
        centre: ``(2,)`` x, y in pixels of the frame.
        extent: ``(2,)`` width, height in pixels of the frame.
        angle: rotation of the window in the frame, in radians, from the x to the y axis.
        mirror: whether the window's x axis is reversed.
    """

    centre: np.ndarray
    extent: np.ndarray
    angle: float = 0.0
    mirror: bool = False

    def extract(self, image: np.ndarray, size: int) -> np.ndarray:
        """Resample the content of the window.

        Args:
            image: ``(rows, cols)`` frame.
            size: side of the output in pixels.

        Returns:
            ``(size, size)`` float32; 0 where the window leaves the image.
        """
        centre, extent = self.centre, self.extent
        # Bilinear sampling covers 2×2 pixels: halve the image first where an output pixel covers more.
        while max(extent) > 2 * size and min(image.shape) > 1:
            # pyrDown keeps the even pixels: the centre of pixel 0, at 0.5, does not move.
            image, centre, extent = cv2.pyrDown(image), centre / 2 + 0.25, extent / 2
        return cv2.warpAffine(
            image,
            self._to_frame(centre, extent, size),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )

    def to_window(self, xyxy: np.ndarray) -> np.ndarray:
        """Transform boxes from frame coordinates to window coordinates.

        A rotated box is bounded as the ellipse inscribed in it would be, because its corners hold no object.

        Args:
            xyxy: ``(N, 4)`` boxes in pixels of the frame.

        Returns:
            ``(N, 4)`` boxes in frame pixels from the window's top left corner; the window itself is
            ``[0, 0, *extent]``.
        """
        centre, extent = centre_and_extent(xyxy)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        centre = (centre - self.centre) @ np.array([[cos, -sin], [sin, cos]])
        if self.mirror:
            centre = centre * [-1, 1]
        extent = np.hypot(extent * cos, extent[:, ::-1] * sin)
        return from_centre_and_extent(centre + self.extent / 2, extent)

    def _to_frame(self, centre: np.ndarray, extent: np.ndarray, size: int) -> np.ndarray:
        """Return the affine map ``(2, 3)`` from pixel indices of the window to pixel indices of the frame."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        axes = np.array([[cos, -sin], [sin, cos]]) * extent / size
        if self.mirror:
            axes = axes * [-1, 1]
        # Pixel i covers [i, i + 1): its centre is i + 0.5, in the window and in the frame.
        origin = centre - axes @ np.full(2, (size - 1) / 2) - 0.5
        return np.column_stack([axes, origin])


def extract_windows(image: np.ndarray, xyxy: np.ndarray, size: int) -> np.ndarray:
    """Extract boxes from a frame, each stretched to a square.

    Args:
        image: ``(rows, cols)`` frame.
        xyxy: ``(N, 4)`` boxes in pixels; they may reach beyond the image.
        size: side of the output in pixels.

    Returns:
        ``(N, size, size, 1)`` float32.
    """
    centres, extents = centre_and_extent(xyxy)
    windows = [Window(centre, extent).extract(image, size) for centre, extent in zip(centres, extents, strict=True)]
    return np.array(windows, np.float32).reshape(-1, size, size, 1)
