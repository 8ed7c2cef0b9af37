"""One home for Hypothesis strategies: small Python functions, written in several ways that mean the same."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = [f"{a}{b}" for a in ("alpha", "beta", "gamma", "delta", "omega") for b in ("", "_one", "_two")]

names = st.lists(st.sampled_from(NAMES), min_size=4, max_size=4, unique=True)

_atoms = st.sampled_from(["{0}", "{1}", "3", "0.25", "{0}.shape[0]", "len({1})"])
_expressions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "-", "@", "//"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"torch.softmax({e}, dim=-1)"),
        inner.map(lambda e: f"abs({e})"),
        st.tuples(inner, inner).map(lambda t: f"torch.cat([{t[0]}, {t[1]}], dim=1)"),
    ),
    max_leaves=6,
)

_statements = st.one_of(
    _expressions.map(lambda e: f"{{2}} = {e}"),
    _expressions.map(lambda e: f"{{2}} = {{2}} + {e}"),
    st.tuples(_expressions, _expressions).map(
        lambda t: f"if {{0}} > {t[0]}:\n        {{2}} = {t[1]}\n    else:\n        {{2}} = {{1}}"
    ),
    _expressions.map(lambda e: f"{{3}} = [item * {e} for item in {{1}}]"),
)

functions = st.lists(_statements, min_size=2, max_size=7).map(
    lambda body: (
        "import torch\n\n\ndef {f}({0}, {1}):\n    {2} = {0}\n    {3} = []\n    "
        + "\n    ".join(body)
        + "\n    return {2}, {3}\n"
    )
)
"""Templates with {f} for the function's name and {0} to {3} for its variables."""


def write(template: str, name: str, variables: list[str]) -> str:
    return template.format(*variables, f=name)
