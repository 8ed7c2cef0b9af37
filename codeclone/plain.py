"""Text of the scanned repositories, made fit to be shown: imports nothing of ours."""

from __future__ import annotations


def plain(text: str, keep: str = "") -> str:
    """The text with every control, bidirectional or otherwise unprintable character replaced, but for those in `keep`.

    Names and code come from the scanned repositories: none of their characters steers a terminal or a page.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else "\N{REPLACEMENT CHARACTER}" for c in text)


def shortened(text: str, most: int) -> str:
    """The text with at most so many characters; an ellipsis stands for the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"
