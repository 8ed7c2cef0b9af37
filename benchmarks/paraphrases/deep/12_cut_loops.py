import re

MARK = re.compile(r"[.?!\n]")


def longest_period(s, shortest):
    """Largest p for which the last p characters repeat the p before them."""
    n = len(s)
    periods = range(n // 2 - 1, shortest - 1, -1)
    return next((p for p in periods if s[n - 2 * p : n - p] == s[n - p :]), 0)


def loop_start(s, period):
    """Where the run of copies of the last `period` characters begins."""
    unit, at = s[len(s) - period :], len(s)
    while at >= period and s[at - period : at] == unit:
        at -= period
    return at


def extend_to_known_sentence(s, at):
    """Moves on from one mark to the next until a sentence of the loop has been passed."""
    loop, mirrored = s[at:], s[::-1]
    for mark in MARK.finditer(s, at):
        begin = MARK.search(mirrored, at)
        if not mark.start() or begin is None or not begin.start():
            break
        at = mark.end()
        if s[begin.start() : mark.start()] in loop:
            break
    return at


def cut_loops(text, shortest=30):
    s = text.lower()
    if len(s) < 2 * shortest:
        return text
    period = longest_period(s, shortest)
    if not period:
        return text
    return text[: extend_to_known_sentence(s, loop_start(s, period))]
