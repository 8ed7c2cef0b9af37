"""How good the answers about sheets are."""

import math
import unicodedata
from collections import defaultdict


def folded(name):
    """Without accents, case and hyphens: sheets of one place spell it in several ways."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c if c.isalnum() else " " for c in bare if not unicodedata.combining(c)).split())


def spelling_score(said, written):
    """1 for the same name, down to 0; a swap of neighbours counts as one slip."""
    a, b = folded(said), folded(written)
    older, old = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            cost = min(old[j] + 1, new[-1] + 1, old[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            new.append(cost)
        older, old = old, new
    return 1.0 - old[-1] / max(len(a), len(b), 1)


def matched_places(said, written, reach):
    """Greedy pairs of places (name, x, y) by spelling and nearness; each is used once."""
    offers = []
    for i, (name, x, y) in enumerate(said):
        for j, (other, u, v) in enumerate(written):
            gap = math.hypot(x - u, y - v)
            if gap <= reach:
                offers.append((spelling_score(name, other) - 0.5 * gap / reach, i, j))
    taken_said, taken_written, pairs = set(), set(), []
    for worth, i, j in sorted(offers, reverse=True):
        if worth > 0.35 and i not in taken_said and j not in taken_written:
            taken_said.add(i)
            taken_written.add(j)
            pairs.append((i, j))
    return pairs


def by_century(rows):
    """Mean score and its standard error for the sheets of each century."""
    groups = defaultdict(list)
    for year, score in rows:
        groups[(year - 1) // 100 + 1].append(score)
    table = {}
    for century, scores in sorted(groups.items()):
        mean = math.fsum(scores) / len(scores)
        spread = math.fsum((score - mean) ** 2 for score in scores)
        table[century] = (mean, math.sqrt(spread / (len(scores) - 1) / len(scores)) if len(scores) > 1 else math.nan)
    return table
