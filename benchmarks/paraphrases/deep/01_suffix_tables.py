"""Tables telling where a vocabulary piece can sit inside a termination phrase."""
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class PhraseTable:
    inside: dict = field(default_factory=dict)
    closing: dict = field(default_factory=dict)


def closing_widths(piece, phrase):
    """How many trailing characters of the phrase can be covered by a prefix of the piece."""
    full = len(phrase)
    candidates = ((piece[:cut], min(cut, full)) for cut in range(1, len(piece) + 1))
    return [width for prefix, width in candidates if prefix.endswith(phrase[full - width:])]


def inner_distances(piece, phrase):
    """Distances from the right border at which the piece agrees with what lies to its left."""
    def agrees(remaining):
        n = min(len(piece), remaining)
        return piece[len(piece) - n:] == phrase[remaining - n:remaining]

    return [len(phrase) - remaining for remaining in range(len(phrase) - 1, 0, -1) if agrees(remaining)]


def tabulate(vocabulary, phrases):
    """vocabulary: pairs (piece, number). Pieces without any fit get no entry."""
    tables = defaultdict(PhraseTable)
    for phrase in phrases:
        table = tables[phrase]
        for piece, number in vocabulary:
            for store, fits in ((table.inside, inner_distances), (table.closing, closing_widths)):
                found = fits(piece, phrase)
                if found:
                    store[number] = found
    return {p: t.inside for p, t in tables.items()}, {p: t.closing for p, t in tables.items()}
