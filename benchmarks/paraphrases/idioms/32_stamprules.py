import torch
from torch import Tensor

MINUS_INF = float("-inf")


class TimestampRules:
    """Restricts the next token such that time stamps come in pairs and never run backwards."""

    def __init__(self, start, first_stamp, silence, eos, latest_initial=None, prefer_stamps=True):
        self.start = start
        self.first_stamp = first_stamp
        self.silence = silence
        self.eos = eos
        self.latest_initial = latest_initial
        self.prefer_stamps = prefer_stamps

    def apply(self, history: Tensor, logits: Tensor) -> Tensor:
        banned = torch.zeros_like(logits, dtype=torch.bool)
        banned[:, self.silence] = True

        for mask, row in zip(banned, history[:, self.start :].tolist()):
            is_stamp = [tok >= self.first_stamp for tok in row]
            closed = len(row) < 2 or is_stamp[-2]
            pending = bool(row) and is_stamp[-1] and not closed

            if pending:
                # an opening stamp needs its partner (or the end)
                mask[: self.eos] = True
            elif row and is_stamp[-1]:
                # the pair is complete: text has to follow
                mask[self.first_stamp :] = True

            stamps = [tok for tok, flag in zip(row, is_stamp) if flag]
            if stamps:
                floor = stamps[-1] + (0 if pending else 1)
                mask[self.first_stamp : floor] = True

        if history.size(1) == self.start:
            # very first token: has to be a stamp that is not too late
            banned[:, : self.first_stamp] = True
            if self.latest_initial is not None:
                banned[:, self.first_stamp + self.latest_initial + 1 :] = True

        restricted = torch.where(banned, torch.full_like(logits, MINUS_INF), logits)
        if not self.prefer_stamps:
            return restricted

        # all stamps together are likelier than any single word: insist on a stamp
        log_p = restricted.float().log_softmax(dim=-1)
        words, stamps = log_p[:, : self.first_stamp], log_p[:, self.first_stamp :]
        insist = torch.logsumexp(stamps, -1) > words.amax(-1)
        restricted[insist, : self.first_stamp] = MINUS_INF
        return restricted
