from functools import partial

import torch
import torch.nn.functional as F
from torch import nn


class PyramidHead(nn.Module):
    def predict(self, features):
        """Segmentation logits from a list of feature maps, ordered from fine to coarse."""
        resize = partial(F.interpolate, mode="bilinear", align_corners=self.align_corners)

        # coarse to fine, handing information down
        coarsest = self.pool_context(features)
        merged = coarsest
        refined = []
        levels = list(zip(features, self.lateral, self.smooth))
        for feature, squeeze, smooth in levels[::-1]:
            own = squeeze(feature)
            merged = own + resize(merged, size=own.shape[-2:])
            refined.append(smooth(merged))
        refined.reverse()
        refined.append(coarsest)

        # everything at the resolution of the finest map
        finest, *others = refined
        target = finest.shape[-2:]
        stacked = torch.cat([finest] + [resize(o, size=target) for o in others], 1)

        return self.classify(self.fuse(stacked))
