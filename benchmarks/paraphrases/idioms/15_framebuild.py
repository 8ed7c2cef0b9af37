import torch
from torch import Tensor

from .frames import Frame, RotationMatrix


def frame_through_points(back: Tensor, center: Tensor, in_plane: Tensor, tiny: float = 1e-8) -> Frame:
    """Gram-Schmidt: x axis points from `back` to `center`, and `in_plane` lies in the xy plane."""

    def unit(v):
        return v / (v.square().sum(dim=-1, keepdim=True) + tiny).sqrt()

    x = unit(center - back)

    towards = in_plane - center
    along = (x * towards).sum(-1, keepdim=True)
    y = unit(towards - along * x)

    z = torch.linalg.cross(x, y, dim=-1)

    # the axes are the columns of the matrix
    return Frame(RotationMatrix(torch.stack([x, y, z], -1)), center)
