import random
import warnings


def pick_whole_words(pieces, tokenizer, suitable_types, ratio, cap=512):
    """Choose complete words (groups of word pieces) to hide; returns a 0/1 flag for each piece."""
    if not isinstance(tokenizer, suitable_types):
        warnings.warn("whole word masking expects '##' style word pieces; the given tokenizer may not produce them.")

    words = []
    for pos, piece in enumerate(pieces):
        if piece in {"[CLS]", "[SEP]"}:
            continue
        if not (words and piece.startswith("##")):
            words.append([])
        words[-1].append(pos)

    random.shuffle(words)

    budget = int(round(ratio * len(pieces)))
    if budget < 1:
        budget = 1
    if budget > cap:
        budget = cap

    flags = [0] * len(pieces)
    used = 0
    for word in words:
        if used >= budget:
            break
        fits = used + len(word) <= budget
        # a word that is too long for what is left of the budget is passed over
        if fits and not any(flags[pos] for pos in word):
            for pos in word:
                flags[pos] = 1
            used += len(word)

    if sum(flags) != used:
        raise ValueError("bookkeeping mismatch while selecting the words to hide")
    return flags
