"""Import this before torchvision if its compiled operators are missing, as with a CPU-only PyTorch.

It declares the operators, so that torchvision can be imported. Its non-maximum suppression is written in Python and is
slower than the compiled one: do not include it in the time of a network.
"""

import torch

library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def non_maximum_suppression(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Return the indices of the boxes to keep, best first."""
    order = scores.argsort(descending=True)
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(int(best))
        order = rest[iou(boxes[best], boxes[rest]) <= threshold]
    return torch.tensor(keep, dtype=torch.int64)


def iou(box: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Return the IoU of one box ``(4,)`` with boxes ``(N, 4)``."""
    low, high = torch.maximum(box[:2], boxes[:, :2]), torch.minimum(box[2:], boxes[:, 2:])
    intersection = (high - low).clamp(min=0).prod(dim=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    return intersection / ((box[2:] - box[:2]).prod() + area - intersection + 1e-9)


library.impl("nms", non_maximum_suppression, "CPU")

import torchvision.extension  # noqa: E402
import torchvision.ops.boxes  # noqa: E402

torchvision.extension._assert_has_ops = torchvision.ops.boxes._assert_has_ops = lambda: None
