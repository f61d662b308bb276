"""Import before torchvision where it has no build for a CPU-only PyTorch: its compiled operators are missing there.

Declares them, so that torchvision can be imported. Non-maximum suppression is written in Python here and is slower than
the compiled one: time a network and its suppression apart.
"""

import torch

library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def suppress(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Indices of the boxes that stay, best first."""
    order = scores.argsort(descending=True)
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(int(best))
        order = rest[overlaps(boxes[best], boxes[rest]) <= threshold]
    return torch.tensor(keep, dtype=torch.int64)


def overlaps(box: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """IoU of a box with each of several."""
    low, high = torch.maximum(box[:2], boxes[:, :2]), torch.minimum(box[2:], boxes[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return shared / ((box[2:] - box[:2]).prod() + area - shared + 1e-9)


library.impl("nms", suppress, "CPU")

import torchvision.extension  # noqa: E402
import torchvision.ops.boxes  # noqa: E402

torchvision.extension._assert_has_ops = torchvision.ops.boxes._assert_has_ops = lambda: None
