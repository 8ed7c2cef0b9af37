"""Value graph nodes in words that a reader can hold against the source line."""

from __future__ import annotations

from codeclone.parse.graph import ANY_ORDER, ValueGraphs
from codeclone.plain import plain, shortened

MAX_TERM = 160
"""Characters."""

_WORDS = {
    b"<param>": "P",
    b"<own>": "own",
    b"<self>": "self",
    b"<call>": "call",
    b"<apply>": "apply",
    b"<[]>": "at",
    b"<.attr>": "attribute",
    b"self.attr": "self.attribute",
    b"<comp>": "each",
    b"<str>": "'…'",
    b"<fmt>": "text",
}


def term(graphs: ValueGraphs, node: int, depth: int) -> str:
    """A node and `depth` steps of its operands; what lies deeper is `…`.

    P stands for any parameter, `own` for anything the repository itself defines; names of the programmer's own do not
    occur in terms.
    """
    return shortened(plain(_term(graphs, node, depth)), MAX_TERM)


def _term(graphs: ValueGraphs, node: int, depth: int) -> str:
    name = _word(graphs.label_names[graphs.labels[node]])
    first, last = int(graphs.edge_starts[node]), int(graphs.edge_starts[node + 1])
    if first == last:
        return name
    if depth == 0:
        return f"{name}(…)"
    operands = []
    for place in range(first, last):
        slot = int(graphs.slots[place])
        text = _term(graphs, int(graphs.children[place]), depth - 1)
        slot_name = graphs.slot_names[slot]
        if slot != ANY_ORDER and slot_name.startswith(b"="):
            text = f"{slot_name[1:].decode('utf-8', 'replace')}={text}"
        operands.append(text)
    if len(operands) == 2 and not name[0].isalnum() and name[0] not in ".'":
        return f"({operands[0]} {name} {operands[1]})"
    return f"{name}({', '.join(operands)})"


def _word(label: bytes) -> str:
    known = _WORDS.get(label)
    if known is not None:
        return known
    text = label.decode("utf-8", "replace")
    if text.startswith("<") and text.endswith(">"):
        return text[1:-1]
    if text.startswith("="):
        return text[1:]
    if text.startswith("'"):
        return text + "'"
    return text
