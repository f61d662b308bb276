"""What the readers of YOLO, COCO and Pascal VOC labels share: images, their label files, classes and problems.

Labels come from many programs, and from strangers. A file that contradicts itself or its images is refused. A box that
cannot be used is left out and counted, so that nothing is lost without a word.
"""

import codecs
import os
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.loader import find_files
from sonar_debris.frames.readers import format_suffix, known_formats

Box = tuple[float, float, float, float]

# Formats of files that hold one frame as a rule; the others are recordings, which labels cannot point into.
_IMAGE_FORMATS = ("image", "NumPy array", "NumPy archive")

MERGED = "read class names that differ only by case or spaces, or not at all, as one class"
NO_LABEL_FILE = "read images without a label file as frames without objects"
NO_IMAGE = "left out label files without an image"


@dataclass
class ImageLabels:
    """The labels of one image, as a label file states them.

    Attributes:
        image: the image's file.
        source: the label file.
        boxes: left, top, right and bottom of each box, in pixels or as fractions of the image's sides.
        class_id: index of each box's class in `ClassNames.names`.
        size: columns and rows of the image according to the label file, or None.
        is_relative: whether the boxes are fractions of the image's sides.
    """

    image: Path
    source: Path
    boxes: list[Box] = field(default_factory=list)
    class_id: list[int] = field(default_factory=list)
    size: tuple[float, float] | None = None
    is_relative: bool = False


class ProblemCounter:
    """Count problems that do not stop the reading, to report each kind of problem in one line.

    Args:
        labels: the labels, as the user gave them.

    Attributes:
        counts: how often each kind of problem occurred.
    """

    def __init__(self, labels: Path):
        self._labels = labels
        self.counts = Counter[str]()
        self._examples: dict[str, str] = {}

    def add(self, problem: str, example: str) -> None:
        """Add a problem.

        Args:
            problem: the kind of problem, and what is done about it; one of a few constant texts.
            example: where it occurs; the first example is reported.
        """
        self.counts[problem] += 1
        self._examples.setdefault(problem, example)

    def warn(self) -> None:
        """Warn of each kind of problem in one line."""
        for problem, count in self.counts.items():
            message = f"{self._labels}: {problem}: {count}, e.g. {self._examples[problem]}"
            warnings.warn(SonarDebrisWarning(message), stacklevel=3)


class ClassNames:
    """The classes of a set of labels. Names that differ only by case or spaces are one class.

    Attributes:
        names: the class names, each in its first spelling, without surrounding spaces.

    Example:
        >>> classes = ClassNames()
        >>> [classes.add(name) for name in ("Tire", "can", "tire ")]
        [0, 1, 0]
        >>> classes.names
        ['Tire', 'can']
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._index: dict[str, int] = {}
        self._spellings: list[list[str]] = []

    def add(self, name: str) -> int:
        """Add a class.

        Args:
            name: the class name.

        Returns:
            The index of the class: a new one, or that of the class with the same name.

        Raises:
            ValueError: the name is empty, or holds control characters or half a character.
        """
        clean = " ".join(unicodedata.normalize("NFC", name).split())
        if not clean or any(unicodedata.category(character) in ("Cc", "Cs") for character in clean):
            raise ValueError(f"{quote(name)} is not a class name")
        index = self._index.setdefault(clean.casefold(), len(self.names))
        if index == len(self.names):
            self.names.append(clean)
            self._spellings.append([])
        self._spellings[index].append(name)
        return index

    def report_merged(self, problems: ProblemCounter) -> None:
        """Report the class names that were read as one class."""
        for name, spellings in zip(self.names, self._spellings, strict=True):
            for _ in spellings[1:]:
                problems.add(MERGED, f"{', '.join(map(quote, spellings[:8]))} as {quote(name)}")


class ImageFolder:
    """The images of a folder and its subfolders, by the path inside the folder.

    Args:
        folder: the folder.

    Attributes:
        files: the files that hold frames, by their path inside the folder, with ``/`` between the parts.
        images: those that are images, not recordings.

    Raises:
        SonarDebrisError: the folder cannot be read, or holds no frames.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.files = {file.relative_to(folder).as_posix(): file for file in find_files(folder, _raise_error)}
        self.images = {name: file for name, file in self.files.items() if _is_image(file)}
        self._by_name: dict[str, list[Path]] = {}
        for file in self.files.values():
            self._by_name.setdefault(file.name, []).append(file)
        if not self.files:
            raise SonarDebrisError(f"{folder}: the folder holds no images")

    def find(self, file_name: str) -> Path | None:
        """Find an image by the name that a label file gives it.

        Labelling programs write a path of another machine: with ``\\``, with more folders, or with fewer.

        Args:
            file_name: the name, with or without folders.

        Returns:
            The image, or None if no image, or more than one, has this name.
        """
        if file_name in self.files:
            return self.files[file_name]
        parts = split_name(file_name)
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            if name in self.files:
                return self.files[name]
        same_name = self._by_name.get(parts[-1], []) if parts else []
        return same_name[0] if len(same_name) == 1 else None

    def stem(self, image: Path) -> str:
        """Return an image's path inside the folder, without its suffix."""
        return image.relative_to(self.folder).with_suffix("").as_posix()


def split_name(file_name: str) -> list[str]:
    """Split the name that a label file gives an image into its folders and the name of the file."""
    return [part for part in re.split(r"[/\\]+", file_name) if part not in ("", ".", "..")]


def _raise_error(error: FrameReadError) -> None:
    raise error


def _is_image(file: Path) -> bool:
    file_format = known_formats().get(format_suffix(file))
    return file_format is not None and file_format.name in _IMAGE_FORMATS


def find_label_files(folder: Path, suffix: str) -> list[Path]:
    """List the label files of a folder and its subfolders; hidden files and links to folders are skipped.

    Args:
        folder: the folder.
        suffix: the suffix of the label files, in lower case.

    Returns:
        The files, sorted.

    Raises:
        SonarDebrisError: the folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise SonarDebrisError(f"{error.filename}: {error.strerror}")

    files = []
    for parent, subfolders, names in os.walk(folder, onerror=fail):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(file for file in files if file.suffix.lower() == suffix and file.is_file())


def pair_label_files(
    images: ImageFolder, selected: Collection[Path], folder: Path, label_files: Iterable[Path]
) -> dict[Path, Path]:
    """Pair images with label files of the same path, stem for suffix.

    Both lie at the same place in their folders, or below ``images`` and ``labels``. A label file directly in its folder
    also belongs to an image in a subfolder, if no other image has the same stem.

    Args:
        images: the folder of the images.
        selected: the images to pair.
        folder: the folder of the label files.
        label_files: the files.

    Returns:
        The label file of each image that has one.

    Raises:
        SonarDebrisError: a label file belongs to two images.
    """
    by_path = {os.path.abspath(file.with_suffix("")): file for file in label_files}
    stems = Counter(image.stem for image in selected)
    pairs: dict[Path, Path] = {}
    image_of: dict[Path | None, Path] = {}
    for image in selected:
        candidates = [os.path.abspath(folder / images.stem(image)), _replace_images(image)]
        if stems[image.stem] == 1:
            candidates.append(os.path.abspath(folder / image.stem))
        label_file = next((by_path[path] for path in candidates if path in by_path), None)
        if label_file in image_of:
            names = f"{image_of[label_file]} and {image}"
            raise SonarDebrisError(f"{label_file}: belongs to two images, {names}; remove one of them")
        if label_file is not None:
            pairs[image], image_of[label_file] = label_file, image
    return pairs


def _replace_images(image: Path) -> str:
    """Return where ultralytics looks for the labels of an image: the last folder ``images`` becomes ``labels``."""
    before, separator, after = os.path.abspath(image.with_suffix("")).rpartition(f"{os.sep}images{os.sep}")
    return f"{before}{os.sep}labels{os.sep}{after}" if separator else after


def read_text(path: Path, max_bytes: int, encoding: str = "utf-8") -> str:
    """Read a text file of a limited size, with or without a byte order mark.

    Args:
        path: the file.
        max_bytes: the largest size.
        encoding: the encoding of a file without a byte order mark.

    Returns:
        The text.

    Raises:
        SonarDebrisError: the file cannot be read, is larger, or is not text in this encoding.
    """
    if not path.is_file():
        raise SonarDebrisError(f"{path}: not a regular file")
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise SonarDebrisError(f"{path}: {error.strerror}") from error
    if len(data) > max_bytes:
        raise SonarDebrisError(f"{path}: too large for a label file: more than {max_bytes:,} bytes")
    if data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise SonarDebrisError(f"{path}: not text in {encoding.upper()}; save it as UTF-8") from error


def quote(value: object) -> str:
    """Return a value from a file for a message: short, in quotes if it is text, without control characters."""
    text = repr(value if isinstance(value, str | int | float) else type(value).__name__)
    return text if len(text) <= 60 else f"{text[:57]}..."
