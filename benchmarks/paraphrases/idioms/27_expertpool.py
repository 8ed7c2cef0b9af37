import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ExpertPool(nn.Module):
    def dispatch(self, tokens: Tensor, all_probs: Tensor, probs: Tensor, choice: Tensor) -> Tensor:
        """Run every token through the experts it was assigned to and sum up the weighted results."""
        original_shape = tokens.size()
        width = original_shape[-1]
        flat = tokens.flatten(0, 1)
        result = flat.new_zeros(flat.shape)

        bank = self.ffn
        expert_shape = (bank.n_experts, bank.inner, bank.width)
        matrices = zip(*(p.reshape(expert_shape).unbind(0) for p in (bank.gate_weight, bank.up_weight, bank.down_weight)))

        for e, weights in enumerate(matrices):
            # slot-major order
            slot, row = (choice.t() == e).nonzero(as_tuple=True)
            if row.numel():
                answer = bank(flat.index_select(0, row).view(-1, width), *weights)
                share = probs[row, slot].unsqueeze(-1)
                result.index_add_(dim=0, index=row, source=answer * share)

        return result.view(original_shape)
