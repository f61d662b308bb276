"""What is raised for a frame that cannot be read, and warned of where frames are read nevertheless."""

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning


class FrameReadError(SonarDebrisError):
    """A file, a frame of it or a folder that cannot be read; its message is the one line ``NAME: reason``.

    Attributes:
        name: the file's name as reports show it.
        reason: what is wrong with it.
        index: position of the frame in its file; None if the whole file or folder is meant.
    """

    def __init__(self, name: str, reason: str, index: int | None = None):
        super().__init__(name, reason, index)
        self.name = name
        self.reason = reason
        self.index = index

    @property
    def problem(self) -> str:
        """What is wrong with which frame, if it is one frame of the file."""
        return self.reason if self.index is None else f"frame {self.index}: {self.reason}"

    def __str__(self) -> str:
        return " ".join(f"{self.name}: {self.problem}".split())


class FrameReadWarning(SonarDebrisWarning):
    """A file that is not whole, though frames could be read; its message is the one line ``NAME: what``.

    Attributes:
        name: the file's name as reports show it.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
