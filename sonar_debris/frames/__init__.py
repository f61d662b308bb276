"""The image loader for forward-looking sonar: files and folders in, frames out."""

from sonar_debris.frames.frame import Frame, FrameReadError, FrameReadWarning, FrameSelection
from sonar_debris.frames.loader import open_frames

__all__ = ["Frame", "FrameReadError", "FrameReadWarning", "FrameSelection", "open_frames"]
