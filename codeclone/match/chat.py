"""Chat templates: how alike two are by the syntax of their own language. They are parsed, and never rendered."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

MAX_TEXT = 40_000
"""Characters; the longest public templates have about 20,000."""

MAX_NODES = 50_000

_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
"""A tag of one library that the language itself does not know; it marks what a model says."""


def likeness(ours: Counter[str] | None, theirs: Counter[str] | None) -> float | None:
    """Shared subtrees in all subtrees of two templates (a multiset's Jaccard index); None where one of them is no template."""
    if not ours or not theirs:
        return None
    return sum((ours & theirs).values()) / sum((ours | theirs).values())


def subtrees(text: str) -> Counter[str] | None:
    """Hash of each subtree of a template -> how often it stands there; None for what does not parse."""
    from jinja2 import Environment, TemplateSyntaxError  # 0.1 s, and only where two templates differ

    if len(text) > MAX_TEXT:
        return None
    try:
        tree = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(_GENERATION.sub("", text))
        found: Counter[str] = Counter()
        _hash(tree, found)
    except (TemplateSyntaxError, RecursionError, ValueError, OverflowError):
        return None
    return found if sum(found.values()) <= MAX_NODES else None


def _hash(node: object, found: Counter[str]) -> str:
    """The hash of a node and all below it; variables and their uses lose their names, constants and attributes stay."""
    from jinja2 import nodes

    if isinstance(node, nodes.Node):
        name = type(node).__name__
        parts = [
            f"{field}={_hash(value, found)}" for field, value in node.iter_fields() if (name, field) != ("Name", "name")
        ]
        digest = hashlib.blake2b(
            f"{name}({','.join(parts)})".encode("utf-8", "surrogatepass"), digest_size=8
        ).hexdigest()
        found[digest] += 1
        return digest
    if isinstance(node, (list, tuple)):
        return f"[{','.join(_hash(item, found) for item in node)}]"
    return repr(node)
