"""How a pair is to be called by what is written (Roy and Cordy 2007, section 3)."""

from __future__ import annotations

from codeclone.model import Alignment, CloneType, RenameProof

EDITED_SHARE = 0.5
"""Share of the smaller side's statements that are identical after the renames, above which a pair is an edited copy
(type 3); up to it the pair is `rewritten`, as in the usual bound between types 3 and 4 (Svajlenko et al. 2014)."""

AGREES = 0.75
"""Share of one side's dataflow that is found on the other, from which the dataflow of a pair is said to agree."""


def clone_type(
    proof: RenameProof | None, alignment: Alignment | None, contained: float, literals: int = 0
) -> CloneType | None:
    """The type of a pair, by statements where there is a proof, else by lines. `contained`: the larger share of one
    side's dataflow that is found on the other; `literals`: statements that differ in numbers and strings only. None where
    neither statements nor dataflow agree."""
    if proof is not None:
        left, right = proof.left_statements, proof.right_statements
        before, after = proof.identical_before, proof.identical
        nested = not proof.renested
    elif alignment is not None:
        rows = [row for row in alignment.rows if (row.left_text + row.right_text).strip()]
        left = sum(row.left_line is not None for row in rows)
        right = sum(row.right_line is not None for row in rows)
        before = sum(row.op == "same" for row in rows)
        after = before + sum(row.op == "renamed" for row in rows)
        nested = True
    else:
        return None
    if left == right == before and nested:
        return "type-1"
    if left == right == after + literals and nested:
        return "type-2"
    if after > EDITED_SHARE * min(left, right):
        return "type-3"
    return "rewritten" if contained >= AGREES else None
