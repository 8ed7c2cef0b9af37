def attach_punctuation(texts, ids, positions, openers, closers):
    """Attach opening marks to the word that follows and closing ones to the word before; works in place."""
    columns = (texts, ids, positions)
    blanks = ("", [], [])

    def absorb(target, source, in_front):
        for column, blank in zip(columns, blanks):
            a, b = (source, target) if in_front else (target, source)
            column[target] = column[a] + column[b]
            column[source] = blank[:]

    anchor = len(texts) - 1
    for here in reversed(range(len(texts) - 1)):
        text = texts[here]
        if text[:1] == " " and text.strip() in openers:
            absorb(anchor, here, in_front=True)
            continue
        anchor = here

    anchor = 0
    for here, text in list(enumerate(texts))[1:]:
        if texts[anchor][-1:] == " " or text not in closers:
            anchor = here
        else:
            absorb(anchor, here, in_front=False)

    # what has been absorbed is empty now
    for column in columns:
        column[:] = filter(None, column)
