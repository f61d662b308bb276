"""Read Pascal VOC labels: one XML file per image.

Reference:
    Everingham et al., The Pascal Visual Object Classes Challenge 2007 development kit: pixels count from 1, and the
    last row and column belong to the box.
"""

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from sonar_debris.datasets.label_files import (
    NO_IMAGE,
    NO_LABEL_FILE,
    Box,
    ClassNames,
    ImageFolder,
    ImageLabels,
    ProblemCounter,
    find_label_files,
    pair_label_files,
    quote,
    read_text,
)
from sonar_debris.errors import SonarDebrisError

MAX_XML_BYTES = 2**24
# Encodings that an XML declaration may name; all others are read as UTF-8.
_ENCODING = re.compile(
    rb"""^\s*<\?xml[^>]{0,80}encoding=["'](iso-8859-\d+|windows-125\d|gb18030|gbk|gb2312|shift_jis)["']""", re.I
)


def read_voc(images: ImageFolder, labels: Path, problems: ProblemCounter) -> tuple[list[ImageLabels], ClassNames]:
    """Read Pascal VOC labels.

    Args:
        images: the images. Those without a label file have no objects.
        labels: the folder of the label files.
        problems: counts what is left out.

    Returns:
        The labels of each image, and the classes in the order in which they occur.

    Raises:
        SonarDebrisError: a file is damaged, or not a Pascal VOC file.
    """
    label_files = find_label_files(labels, ".xml")
    pairs = pair_label_files(images, images.images.values(), labels, label_files)
    for file in sorted(set(label_files) - set(pairs.values())):
        # A file of another name may say in <filename> which image it belongs to.
        image = images.find(_parse(file).findtext("filename") or "")
        if image is None or image in pairs:
            problems.add(NO_IMAGE, file.name)
        else:
            pairs[image] = file
    classes = ClassNames()
    class_of: dict[str, int] = {}
    labelled = []
    for image in sorted({*images.images.values(), *pairs}):
        image_labels = ImageLabels(image, pairs.get(image, labels))
        labelled.append(image_labels)
        if image not in pairs:
            name = image.relative_to(images.folder).as_posix()
            problems.add(NO_LABEL_FILE, name)
            continue
        root = _parse(pairs[image])
        try:
            image_labels.size = _read_size(root)
            objects = [_read_object(element) for element in root.findall("object")]
            for name in sorted({name for name, _ in objects} - class_of.keys()):
                class_of[name] = classes.add(name)
        except ValueError as error:
            raise SonarDebrisError(f"{pairs[image]}: {error}") from error
        image_labels.boxes = [box for _, box in objects]
        image_labels.class_id = [class_of[name] for name, _ in objects]
    return labelled, classes


def _parse(path: Path) -> ElementTree.Element:
    try:
        return parse_xml(path)
    except ValueError as error:
        raise SonarDebrisError(f"{path}: not a Pascal VOC file ({error})") from error


def parse_xml(path: Path) -> ElementTree.Element:
    """Read an XML file of annotations that may come from a stranger.

    Args:
        path: the file.

    Returns:
        The root element, ``annotation``.

    Raises:
        SonarDebrisError: the file cannot be read, or is not text.
        ValueError: the text is not XML, has another root, or defines entities, which can expand without end.
    """
    match = None
    if path.is_file():
        with path.open("rb") as file:
            match = _ENCODING.match(file.read(256))
    text = read_text(path, MAX_XML_BYTES, match[1].decode() if match else "utf-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it defines a document type or entities, which labels do not need; remove them")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, LookupError, RecursionError) as error:
        raise ValueError(f"no XML that can be read: {error}") from error
    if root.tag != "annotation":
        raise ValueError(f"the root element is {quote(root.tag)}, not annotation")
    return root


def _read_size(root: ElementTree.Element) -> tuple[float, float] | None:
    """Return the columns and rows of the labelled image; None if the file does not say, or says 0 as some programs."""
    if root.find("size") is None:
        return None
    width, height = (_read_number(root, f"size/{key}") for key in ("width", "height"))
    return (width, height) if width and height else None


def _read_object(element: ElementTree.Element) -> tuple[str, Box]:
    name = element.findtext("name")
    if name is None:
        raise ValueError("an object without name")
    box = element.find("bndbox")
    if box is None:
        raise ValueError(f"an object ({quote(name)}) without bndbox")
    x = [_read_number(box, key) for key in ("xmin", "xmax")]
    y = [_read_number(box, key) for key in ("ymin", "ymax")]
    if any(map(math.isnan, x + y)):
        return name, (x[0], y[0], x[1], y[1])
    # Some programs write the corners in the order in which they were drawn.
    return name, (min(x) - 1, min(y) - 1, max(x), max(y))


def _read_number(element: ElementTree.Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"{element.tag} without {path}")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{path} is not a number: {quote(text)}") from None
