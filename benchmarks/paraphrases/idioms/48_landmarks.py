import torch
from torch import nn


class LandmarkAttention(nn.Module):
    def attend(self, x, bias=None, with_weights=False):
        """Attention through a few averaged landmark tokens, plain attention if every token is one."""
        n, length, _ = x.shape

        def project(layer):
            return layer(x).unflatten(-1, (self.heads, self.head_width)).transpose(1, 2)

        q, k, v = map(project, (self.to_q, self.to_k, self.to_v))
        # split 1/sqrt(d) evenly between both factors
        root = self.head_width**-0.25
        q, k = q * root, k * root

        def affinity(a, b, extra=None):
            energy = torch.einsum("nhid,nhjd->nhij", a, b)
            return (energy if extra is None else energy + extra).softmax(dim=-1)

        if self.length != self.landmarks:
            per_landmark = self.length // self.landmarks
            q_mean, k_mean = (t.unflatten(2, (self.landmarks, per_landmark)).mean(3) for t in (q, k))

            core = self.pseudo_inverse(affinity(q_mean, k_mean))
            summary = affinity(q_mean, k, bias) @ v
            weights = affinity(q, k_mean) @ core
            mixed = weights @ summary
        else:
            weights = affinity(q, k, bias)
            mixed = weights @ v

        if self.local_conv is not None:
            mixed = mixed + self.local_conv(v)

        mixed = mixed.transpose(1, 2).reshape(n, length, self.heads * self.head_width)
        return (mixed, weights) if with_weights else (mixed,)
