import numpy as np


def collapse_pieces(group, how, join_tokens, label_names):
    """Merge the predictions made for the pieces of a single word into a single prediction."""
    tables = [piece["scores"] for piece in group]

    if how == "average":
        distribution = np.nanmean(tables, axis=0)
    elif how in ("first", "max"):
        leader = 0
        if how == "max":
            peaks = [table.max() for table in tables]
            leader = peaks.index(max(peaks))
        distribution = tables[leader]
    else:
        raise ValueError(f"unknown way to merge word pieces: {how}")

    winner = np.argmax(distribution)
    return dict(
        start=group[0]["start"],
        end=group[-1]["end"],
        word=join_tokens([piece["word"] for piece in group]),
        score=distribution[winner],
        entity=label_names[winner],
    )
