"""The FLS image loader: files and folders in, frames out."""

from sonar_debris.frames.frame import Frame, FrameReadError, FrameReadWarning
from sonar_debris.frames.loader import open_frames

__all__ = ["Frame", "FrameReadError", "FrameReadWarning", "open_frames"]
