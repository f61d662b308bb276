"""Proposals of selective search and of edge boxes, OpenCV contrib's implementations, for frames of one folder.

Stands alone, for it needs another OpenCV than the project does: see README.md beside it.

Run: python proposals.py {selective-search|selective-search-fine|edge-boxes} FOLDER LIST.txt -o OUT.npz [--count 5000]

FOLDER holds the frames as ``NAME.png``; LIST.txt gives their names, one a line. OUT.npz holds

- ``frames``: ``(F,)`` the names, in order of the list;
- ``xyxy``: ``(N, 4)`` int16 boxes in pixels, those of the first frame, then of the second, best first in each; what
  counts is their rank, so no scores are kept;
- ``ends``: ``(F,)`` int64: the boxes of frame i end before row ``ends[i]``;
- ``seconds``: ``(F,)`` processor time that each frame took, on one core.

Settings were chosen on 24 frames (52 boxes) of the training part of the random split; three of them lie in scene
fold 0, which is to the peers' advantage there.

Selective search (Uijlings et al. 2013, doi:10.1007/s11263-013-0620-5): the quality mode, recall 0.98 at IoU 0.5
against 0.92 in the fast mode. At the library's own scale it proposes about 600 boxes a frame; ``-fine`` segments
from a scale of 50 instead of 150, for 2,800 boxes that cover more but come in a worse order.

Edge boxes (Zitnick and Dollár 2014, doi:10.1007/978-3-319-10602-1_26): the learned edge model is not to be had with
the library, so the edges are image gradients after a blur, thinned across the edge. The overlap allowed among
boxes is the one that its authors advise for IoU 0.5.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

# Of a Gaussian, in pixels: less leaves speckle.
BLUR = 3
# A gradient stronger than this share of all counts as an edge for certain.
STRONG_EDGE = 0.99


def selective_search(frame: np.ndarray, count: int, scale: int = 150) -> np.ndarray:
    """Boxes ``(N, 4)`` xywh, best first, of a frame ``(rows, cols)`` uint8; the library ranks all it has."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    search.switchToSelectiveSearchQuality(scale, scale)
    return search.process()[:count]


def selective_search_fine(frame: np.ndarray, count: int) -> np.ndarray:
    """Selective search from smaller segments."""
    return selective_search(frame, count, scale=50)


def edge_boxes(frame: np.ndarray, count: int) -> np.ndarray:
    """Boxes ``(N, 4)`` xywh, best first, of a frame ``(rows, cols)`` uint8."""
    # Boxes here run from 15 pixels, and walls are long: the library's least area and aspect leave both out.
    search = cv2.ximgproc.createEdgeBoxes(
        alpha=0.65, beta=0.55, minScore=1e-4, maxBoxes=count, minBoxArea=200, maxAspectRatio=5
    )
    return np.array(search.getBoundingBoxes(*gradient_edges(frame))[0])


def gradient_edges(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of a frame, thinned, in [0, 1], and the direction across them in [0, π), both ``(rows, cols)`` float32."""
    # The fan's outline is no edge of an object: fill the surround with the mean echo.
    filled = np.where(frame > 0, frame, frame[frame > 0].mean() if frame.any() else 0).astype(np.float32)
    blurred = cv2.GaussianBlur(filled, (0, 0), BLUR)
    x, y = cv2.Sobel(blurred, -1, 1, 0), cv2.Sobel(blurred, -1, 0, 1)
    strength = cv2.magnitude(x, y)
    across = np.arctan2(y, x) % np.float32(np.pi)
    columns, rows = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in frame.shape[::-1]))
    ridge = np.ones(frame.shape, bool)
    for way in (-1, 1):
        beside = cv2.remap(strength, columns + way * np.cos(across), rows + way * np.sin(across), cv2.INTER_LINEAR)
        ridge &= strength >= beside
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
            sys.exit(f"{path}: not a readable image; FOLDER must hold the frames that LIST.txt names")
        begin = time.process_time()
        xywh = np.array(METHODS[arguments.method](frame, arguments.count), np.int16).reshape(-1, 4)
        seconds.append(time.process_time() - begin)
        boxes.append(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1))
        left = np.mean(seconds) * (len(names) - number) / 60
        print(f"\r{arguments.method} {number}/{len(names)}, {left:.1f} min left ", end="", file=sys.stderr)
    print(file=sys.stderr)
    ends = np.cumsum([len(found) for found in boxes])
    np.savez_compressed(arguments.output, frames=names, xyxy=np.concatenate(boxes), ends=ends, seconds=seconds)
    print(f"{ends[-1] / len(names):.0f} boxes and {np.mean(seconds):.2f} s of processor a frame")


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("folder", type=Path, help="holds the frames as NAME.png")
    parser.add_argument("list", type=Path, help="a text file with one frame's NAME a line")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--count", type=int, default=5000, help="boxes a frame at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
