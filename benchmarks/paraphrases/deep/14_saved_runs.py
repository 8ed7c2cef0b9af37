import os
import re
from pathlib import Path


def by_number(stem):
    pattern = re.compile(rf".*{stem}-([0-9]+)")

    def rank(folder):
        hit = pattern.match(folder)
        return None if hit is None else int(hit[1])

    return rank


def shield(items, item):
    """Moves `item` right before the newest, so that it is not among the first to go."""
    if item not in items[:-2]:
        return items
    others = [x for x in items if x != item]
    return others[:-1] + [item] + others[-1:]


def saved_runs(root, stem="checkpoint", by_age=False, best=None):
    """Saved folders from the oldest to the newest."""
    rank = os.path.getmtime if by_age else by_number(stem)
    folders = (entry for entry in Path(root).iterdir() if entry.name.startswith(f"{stem}-") and entry.is_dir())
    ranked = {str(folder): rank(str(folder)) for folder in folders}
    names = sorted((n for n, r in ranked.items() if r is not None), key=lambda n: (ranked[n], n))
    return names if best is None else shield(names, str(Path(best)))
