import numpy as np

from .spans import best_spans

VERY_SMALL = -1e4


def _probabilities(logits, forbidden):
    z = np.array(logits, dtype=float)
    z[forbidden] = VERY_SMALL
    z -= z.max(-1, keepdims=True)
    np.exp(z, out=z)
    return z / np.sum(z)


def rank_answer_spans(
    begin_logits, end_logits, question_mask, valid=None, *, null_score=10**6, k=1, allow_null=False, longest=15
):
    """Turn start and end logits into the `k` likeliest answer spans, and keep track of the score for `no answer`."""
    allowed = np.absolute(np.asarray(question_mask) - 1)
    if valid is not None:
        allowed = np.bitwise_and(allowed, valid)
    forbidden = np.logical_not(allowed)

    begin, end = (_probabilities(table, forbidden) for table in (begin_logits, end_logits))

    if allow_null:
        joint = float(begin[0, 0] * end[0, 0])
        null_score = joint if joint < null_score else null_score

    # the first token is no answer
    for table in (begin, end):
        table[0, 0] = 0.0

    return (*best_spans(begin, end, k, longest, allowed), null_score)
