from .punctuation import next_sentence_end


def drop_looping_tail(prediction: str, shortest: int = 30) -> str:
    """If the text ends in a loop, i.e. the same passage over and over, keep it only once."""
    folded = prediction.lower()
    total = len(folded)
    if total < shortest * 2:
        return prediction

    # longest period with which the end of the text repeats
    period = next(
        (p for p in range(total // 2 - 1, shortest - 1, -1) if folded[total - 2 * p : total - p] == folded[total - p :]),
        None,
    )
    if not period:
        return prediction

    unit = folded[total - period :]
    stem_length = total
    while folded.endswith(unit, 0, stem_length):
        stem_length -= period
    stem_length = max(stem_length, 0)
    tail = folded[stem_length:]

    # extend up to a sentence boundary until a sentence of the loop has been included
    mirrored = folded[::-1]
    cut = stem_length
    seen = False
    while not seen:
        stop, start = next_sentence_end(folded, cut), next_sentence_end(mirrored, cut)
        if not (stop and start):
            break
        seen = folded[start:stop] in tail
        cut = min(stop + 1, total)

    return prediction[:cut]
