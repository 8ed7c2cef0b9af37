import torch
from torch import nn


class ContextMixer(nn.Module):
    """Gated aggregation of progressively larger neighbourhoods; input and output are channels-last."""

    def mix(self, x: torch.Tensor) -> torch.Tensor:
        width = x.size(3)
        projected = self.enter(x)

        query = projected[..., :width].movedim(3, 1)
        local = projected[..., width : 2 * width].movedim(3, 1).contiguous()
        self.weights = projected[..., 2 * width :].movedim(3, 1).contiguous()

        gates = self.weights.unbind(dim=1)
        gathered = []
        for conv, gate in zip(self.neighbourhoods, gates):
            local = conv(local)
            gathered.append(local * gate[:, None])

        # whole-image context comes last
        everything = self.nonlinearity(local.mean(dim=(2, 3), keepdim=True))
        gathered.append(everything * gates[-1].unsqueeze(1))

        scale = len(gathered) if self.average else 1
        self.mixed = self.to_modulation(torch.stack(gathered).sum(dim=0) / scale)

        result = torch.einsum("nchw,nchw->nhwc", query, self.mixed)
        if self.norm_after:
            result = self.norm(result)
        return self.drop(self.leave(result))
