from collections import Counter

import numpy as np


class GreenTokenCounter:
    def __init__(self, scheme, window, lookup, once_per_ngram):
        self.scheme = scheme
        self.window = window
        self.lookup = lookup
        self.once_per_ngram = once_per_ngram

    def tally(self, ids):
        """Number of n-grams judged and number of green ones among them, for every sequence of the batch."""
        self_seeded = self.scheme == "selfhash"
        order = self.window if self_seeded else self.window + 1

        def is_green(gram):
            seed = gram[: order if self_seeded else order - 1]
            return self.lookup(seed, gram[order - 1])

        judged, green = [], []
        for grams in ids.unfold(1, order, 1):
            occurrences = Counter(grams)
            verdicts = {gram: is_green(gram) for gram in occurrences}
            if self.once_per_ngram:
                weight = dict.fromkeys(verdicts, 1)
            else:
                weight = occurrences
            judged.append(sum(weight.values()))
            green.append(sum(weight[gram] * verdict for gram, verdict in verdicts.items()))

        return np.asarray(judged, dtype=float), np.asarray(green, dtype=float)
