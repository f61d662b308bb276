"""Propose boxes by selective search or edge boxes, in OpenCV contrib's implementations, for the frames of a folder.

Does not use sonar_debris, because it needs another OpenCV than the project: see README.md in the same folder.

Run: python proposals.py {selective-search|selective-search-fine|edge-boxes} FOLDER LIST.txt -o OUT.npz [--count 5000]

FOLDER holds the frames as ``NAME.png``; LIST.txt has one name per line. OUT.npz holds

- ``frames``: ``(F,)`` names, in the order of the list;
- ``xyxy``: ``(N, 4)`` int16 boxes in pixels, first those of the first frame, best first in each frame. Only the rank
  counts, so there are no scores;
- ``ends``: ``(F,)`` int64; the boxes of frame i end before row ``ends[i]``;
- ``seconds``: ``(F,)`` processor time of each frame on one core.

The settings were chosen on 24 frames (52 boxes) of the random split's training part. Three of them are in scene fold 0,
which is an advantage for the peers there.

Selective search (Uijlings et al. 2013, doi:10.1007/s11263-013-0620-5): the quality mode has a recall of 0.98
at IoU 0.5, the fast mode 0.92. At the library's default scale it proposes about 600 boxes per frame; ``-fine`` segments
from a scale of 50 instead of 150 and proposes 2,800 boxes, which cover more objects but are ranked worse.

Edge boxes (Zitnick and Dollár 2014, doi:10.1007/978-3-319-10602-1_26): the library does not include the learned
edge model, so the edges are gradients of the blurred image, thinned across the edge. The overlap allowed between boxes
is the one that the authors advise for IoU 0.5.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

# Standard deviation of the Gaussian blur in pixels: less blur leaves speckle.
BLUR = 3
# Gradients above this quantile have the full edge strength of 1.
STRONG_EDGE = 0.99


def selective_search(frame: np.ndarray, count: int, scale: int = 150) -> np.ndarray:
    """Return boxes ``(N, 4)`` xywh, best first, for a frame ``(rows, cols)`` uint8. The library ranks the boxes."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    search.switchToSelectiveSearchQuality(scale, scale)
    return search.process()[:count]


def selective_search_fine(frame: np.ndarray, count: int) -> np.ndarray:
    """Return the boxes of selective search from smaller segments."""
    return selective_search(frame, count, scale=50)


def edge_boxes(frame: np.ndarray, count: int) -> np.ndarray:
    """Return boxes ``(N, 4)`` xywh, best first, for a frame ``(rows, cols)`` uint8."""
    # Objects here are 15 pixels or longer, and walls are long: the library's default limits would exclude both.
    search = cv2.ximgproc.createEdgeBoxes(
        alpha=0.65, beta=0.55, minScore=1e-4, maxBoxes=count, minBoxArea=200, maxAspectRatio=5
    )
    return np.array(search.getBoundingBoxes(*gradient_edges(frame))[0])


def gradient_edges(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return thinned edges in [0, 1] and the direction across them in [0, π), both ``(rows, cols)`` float32."""
    # The outline of the fan is not an edge of an object: fill the outside with the mean echo.
    filled = np.where(frame > 0, frame, frame[frame > 0].mean() if frame.any() else 0).astype(np.float32)
    blurred = cv2.GaussianBlur(filled, (0, 0), BLUR)
    x, y = cv2.Sobel(blurred, -1, 1, 0), cv2.Sobel(blurred, -1, 0, 1)
    strength = cv2.magnitude(x, y)
    across = np.arctan2(y, x) % np.float32(np.pi)
    columns, rows = np.meshgrid(*(np.arange(length, dtype=np.float32) for length in frame.shape[::-1]))
    ridge = np.ones(frame.shape, bool)
    for side in (-1, 1):
        x_neighbour, y_neighbour = columns + side * np.cos(across), rows + side * np.sin(across)
        ridge &= strength >= cv2.remap(strength, x_neighbour, y_neighbour, cv2.INTER_LINEAR)
    strong = max(np.quantile(strength, STRONG_EDGE), 1e-6)
    return np.where(ridge, np.minimum(strength / strong, 1), 0).astype(np.float32), across


METHODS = {
    "selective-search": selective_search,
    "selective-search-fine": selective_search_fine,
    "edge-boxes": edge_boxes,
}


def main() -> None:
    """Propose boxes for each frame of a list and write them."""
    arguments = read_arguments()
    cv2.setNumThreads(1)
    names = arguments.list.read_text().split()
    boxes, seconds = [], []
    for number, name in enumerate(names, 1):
        path = arguments.folder / f"{name}.png"
        frame = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if frame is None:
            sys.exit(f"{path}: cannot be read; FOLDER must hold all frames of LIST.txt")
        start = time.process_time()
        xywh = np.array(METHODS[arguments.method](frame, arguments.count), np.int16).reshape(-1, 4)
        seconds.append(time.process_time() - start)
        boxes.append(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1))
        left = np.mean(seconds) * (len(names) - number) / 60
        print(f"\r{arguments.method} {number}/{len(names)}, {left:.1f} min left ", end="", file=sys.stderr)
    print(file=sys.stderr)
    ends = np.cumsum([len(frame_boxes) for frame_boxes in boxes])
    np.savez_compressed(arguments.output, frames=names, xyxy=np.concatenate(boxes), ends=ends, seconds=seconds)
    print(f"{ends[-1] / len(names):.0f} boxes and {np.mean(seconds):.2f} s of processor time per frame")


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("folder", type=Path, help="holds the frames as NAME.png")
    parser.add_argument("list", type=Path, help="text file with one frame's NAME per line")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--count", type=int, default=5000, help="largest number of boxes per frame")
    return parser.parse_args()


if __name__ == "__main__":
    main()
