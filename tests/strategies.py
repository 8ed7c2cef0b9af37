"""One home for Hypothesis strategies: small Python functions, written in several ways that mean the same."""

from __future__ import annotations

from hypothesis import strategies as st

from codeclone.model import Plot, PlotLine, Series

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


# Who explains what

facts = st.dictionaries(
    st.integers(0, 60) | st.sampled_from([2**64 - 1, 2**63]), st.floats(0.0, 40.0, allow_subnormal=False), max_size=40
)
"""Facts of a left repository with their bits: few, so that candidates share them."""

roles = st.sampled_from(["right", "ancestor", "claimed"])

explaining = st.tuples(st.sampled_from(["ancestor", "claimed"]), st.frozensets(st.integers(0, 60), max_size=30))
"""What may explain facts instead of the right repository: role and facts."""

candidates = st.tuples(st.frozensets(st.integers(0, 60), max_size=40), st.lists(explaining, max_size=5)).map(
    lambda both: [("right", both[0]), *both[1]]
)
"""The right repository first."""

# Plots

numbers = st.floats(-1e38, 1e38, allow_subnormal=True) | st.sampled_from([0.0, -0.0, 1e-30, 1e30, 5e-324, 0.1, 7])
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Lone surrogates are in no text that is read."""


@st.composite
def series(draw: st.DrawFn) -> Series:
    points = draw(st.lists(st.tuples(numbers, numbers), max_size=8).map(tuple))
    labels = draw(st.just(()) | st.lists(words, min_size=len(points), max_size=len(points)).map(tuple))
    return Series(draw(words), points, labels)


plots = st.builds(
    Plot, words, words, words, st.lists(series(), max_size=4).map(tuple),
    st.lists(st.builds(PlotLine, words, numbers, numbers), max_size=3).map(tuple), words,
)  # fmt: skip


SCANNED = [("fork_radar", "fork_captions"), ("upstream", "fork_radar"), ("lookalike", "original")]
"""Samples that are quick to compare."""

CANDIDATES = ["upstream", "fork_captions", "fork_radar", "lookalike", "independent"]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str]], tuple[str, str]]:
    """Left and right sample, what else may explain the left one in random order, each with its role, and one more of these."""
    left, right = draw(st.sampled_from(SCANNED))
    names = draw(st.permutations([name for name in CANDIDATES if name != left]))
    count = draw(st.integers(2, 3))
    parts = st.sampled_from(["ancestor", "claimed"])
    *some, more = [(name, draw(parts)) for name in names[: count + 1]]
    return left, right, some, more
