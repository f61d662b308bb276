"""Errors and warnings that the user can act on, and the log of inputs that failed.

The whole hierarchy::

    Exception
    └── SonarDebrisError              the user can fix it: the command prints one line and exits with code 2
        ├── FrameReadError            a file, folder or frame cannot be read      (sonar_debris.frames.frame)
        └── OutputError               results cannot be written to this folder    (sonar_debris.files)
    UserWarning
    └── SonarDebrisWarning            work continues, but the user should know
        ├── FrameReadWarning          a file is truncated or damaged in part      (sonar_debris.frames.frame)
        ├── FrameGeometryWarning      the fan of plain images may be wrong        (sonar_debris.frames.frame)
        └── UnseenConditionsWarning   the model has not seen such a sonar         (sonar_debris.frames.conditions)

A wrong argument of a Python function raises a ``ValueError`` that ends with "Received: …".
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sonar_debris.frames.frame import FrameReadError


class SonarDebrisError(Exception):
    """An error that the user can fix; its message is one line: what happened, which file, what to do."""


class SonarDebrisWarning(UserWarning):
    """A problem that does not stop the work; its message is one line."""


CONTROL_CHARACTERS = {*range(0x20), *range(0x7F, 0xA0)}
# Code points of no character: bytes of a name that are not UTF-8 (the second half of these), or half a character.
SURROGATES = range(0xD800, 0xE000)


def printable_name(path: str) -> str:
    r"""Return a path as outputs show it: bytes that are not UTF-8 and control characters are escaped.

    Example:
        >>> printable_name("dive-\udcfc\n.png")
        'dive-\\xfc\\n.png'
    """
    return "".join(map(_escape, path))


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python writes a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return repr(char)[1:-1] if code in CONTROL_CHARACTERS or code in SURROGATES else char


def one_line(error: Exception | str) -> str:
    """Return the message of an error or a warning as one line, with control characters escaped: terminals obey them.

    An error of the file system is reported with the file's name, and without its number.

    Example:
        >>> one_line(OSError(28, "No space left on device", "out/a.png"))
        'out/a.png: No space left on device'
        >>> one_line(ValueError("not\\n finite"))
        'not finite'
    """
    if isinstance(error, OSError) and error.strerror:
        return printable_name(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    return printable_name(" ".join(str(error).split())) or type(error).__name__


class FailureLog:
    """A list of the inputs and frames that failed, in the order in which they failed.

    Args:
        on_failure: called with the name and the reason of each failure when it is added.

    Attributes:
        entries: name and reason of each failure.

    Example:
        >>> failures = FailureLog(on_failure=lambda name, reason: print(f"{name}: {reason}"))
        >>> failures.add("ping.png", "the file is empty")
        ping.png: the file is empty
        >>> len(failures)
        1
    """

    def __init__(self, on_failure: Callable[[str, str], None] | None = None):
        self.entries: list[tuple[str, str]] = []
        self.on_failure = on_failure

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, name: str, reason: str) -> None:
        """Add a failure.

        Args:
            name: name of the file, as reports show it.
            reason: what is wrong with it.
        """
        self.entries.append((name, reason))
        if self.on_failure:
            self.on_failure(name, reason)

    def add_error(self, error: "FrameReadError") -> None:
        """Add a file, folder or frame that cannot be read: the argument ``on_error`` of `open_frames`."""
        self.add(error.name, error.problem)
