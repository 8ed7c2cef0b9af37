import torch
from torch import Tensor, nn

from .positions import expand_like_keys, expand_like_queries, expand_rows, offsets_between


class RelativeBias(nn.Module):
    def positional_scores(self, q: Tensor, k: Tensor, offsets, table: Tensor, scale):
        """Sum of the content-to-position and position-to-content terms, for whichever of them are enabled."""
        n_q, n_k = q.shape[-2], k.shape[-2]
        same_length = n_q == n_k

        offsets = offsets_between(n_q, n_k, q.device) if offsets is None else offsets
        rank = offsets.ndim
        if rank not in (2, 3, 4):
            raise ValueError("expected offsets of rank 2, 3 or 4, not %d" % rank)
        if rank == 2:
            offsets = offsets[None, None]
        if rank == 3:
            offsets = offsets[:, None]
        offsets = offsets.to(device=q.device, dtype=torch.int64)

        reach = min(self.max_distance, max(n_q, n_k))
        window = table.narrow(0, self.max_distance - reach, 2 * reach)[None]

        terms = []

        if "p2c" in self.enabled:
            pos_q = self.split_heads(self.query_of_position(window))
            pos_q = pos_q / torch.sqrt(torch.tensor(float(pos_q.size(-1))) * scale)
            own = offsets if same_length else offsets_between(n_k, n_k, q.device)
            idx = (reach - own).clamp(min=0, max=2 * reach - 1)
            by_key = k @ pos_q.to(k.dtype).mT
            by_key = by_key.gather(-1, expand_like_keys(idx, q, k)).mT
            if not same_length:
                rows = offsets[..., :1]
                by_key = by_key.gather(-2, expand_rows(rows, by_key, k))
            terms.append(by_key)

        if "c2p" in self.enabled:
            pos_k = self.split_heads(self.key_of_position(window))
            idx = (offsets + reach).clamp(min=0, max=2 * reach - 1)
            terms.append((q @ pos_k.mT).gather(-1, expand_like_queries(idx, q, offsets)))

        return sum(terms)
