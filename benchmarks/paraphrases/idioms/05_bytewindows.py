def sliding_buffers(source, size, overlap, live=False):
    """
    Regroup a stream of byte strings into windows of `size` bytes that overlap by `overlap = (before, after)`.
    With `live` set, incomplete windows are handed out as soon as bytes arrive.
    """
    before, after = overlap
    step = size - before - after
    if step <= 0:
        raise ValueError("the overlap ({}, {}) has to be smaller than the window size {}".format(before, after, size))

    def package(payload, margins, unfinished):
        out = dict(raw=payload, stride=margins)
        if live:
            out["partial"] = unfinished
        return out

    pending = bytearray()
    left_margin = 0  # the very first window has nothing to its left

    for block in source:
        pending.extend(block)

        if live and len(pending) < size:
            yield package(bytes(pending), (left_margin, 0), True)
            continue

        while not len(pending) < size:
            yield package(bytes(pending[:size]), (left_margin, after), False)
            del pending[:step]
            left_margin = before

    # leftovers
    if before < len(pending):
        yield package(bytes(pending), (left_margin, 0), False)
