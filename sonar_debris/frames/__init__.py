"""The FLS image loader: files and folders in, frames out."""

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.frame_read_error import FrameReadError, FrameReadWarning
from sonar_debris.frames.opening import open_frames

__all__ = ["Frame", "FrameReadError", "FrameReadWarning", "open_frames"]
