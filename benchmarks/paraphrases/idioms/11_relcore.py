from torch import nn
import torch


class RelativeCore(nn.Module):
    def combine(self, q, keys, values, rel_keys, segments=None, forbid=None, head_gate=None, want_probs=False):
        """Two (or three) stream attention; inputs are laid out as (time, batch, head, dim)."""

        def heads_first(x):
            # time, batch, head, dim -> batch, head, time, dim
            return x.permute(1, 2, 0, 3)

        by_content = heads_first(q + self.content_bias) @ heads_first(keys).transpose(-2, -1)
        n_keys = by_content.size(-1)
        by_position = heads_first(q + self.position_bias) @ heads_first(rel_keys).transpose(-2, -1)
        logits = by_content + self.shift(by_position, klen=n_keys)

        if segments is not None:
            # (i, b, n, s)
            per_segment = ((q + self.segment_bias).unsqueeze(3) * self.segment_table.transpose(0, 1)).sum(-1)
            # (i, j, b, s) with (i, b, n, s)
            logits = logits + torch.matmul(
                per_segment.permute(1, 2, 0, 3).unsqueeze(3), segments.permute(2, 0, 3, 1).unsqueeze(1)
            ).squeeze(3)

        logits = logits * self.factor

        if forbid is not None:
            penalty = {torch.float16: 65500}.get(forbid.dtype, 1e30)
            logits = logits - forbid.permute(2, 3, 0, 1) * penalty

        weights = self.drop(torch.softmax(logits, -1))
        if head_gate is not None:
            weights = weights * head_gate.permute(2, 3, 0, 1)

        result = torch.matmul(weights, heads_first(values)).permute(2, 0, 1, 3)
        return (result, weights.permute(2, 3, 0, 1)) if want_probs else result
