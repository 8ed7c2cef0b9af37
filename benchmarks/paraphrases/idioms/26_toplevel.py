from .text import indent_of, is_blank

CLOSERS = frozenset([")", "]", "}", '"""'])
COPY_MARK = "# Copied from"


def split_toplevel(source: str):
    """Cut the text of a python file into the pieces that make up its top level."""
    blocks = [[]]

    for row in source.split("\n"):
        block = blocks[-1]
        # a marker comment on a line of its own sticks to whatever comes next
        lonely_marker = len(block) == 1 and block[0].startswith(COPY_MARK)
        may_close = bool(block) and not lonely_marker
        starts_at_margin = not is_blank(row) and indent_of(row) == 0

        if not (may_close and starts_at_margin):
            block.append(row)
        elif row in CLOSERS:
            # the closing bracket still belongs to the old block
            block.append(row)
            blocks.append([])
        else:
            blocks.append([row])

    return list(map("\n".join, filter(None, blocks)))
