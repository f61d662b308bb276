"""What is raised for a frame that cannot be read, and warned of where frames are read nevertheless."""

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning


class FrameReadError(SonarDebrisError):
    """A file or folder that gives no frame; its message is the one line ``NAME: reason``.

    Attributes:
        name: the file's name as reports show it.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str):
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return " ".join(f"{self.name}: {self.reason}".split())


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
