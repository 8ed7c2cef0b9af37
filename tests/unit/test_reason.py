"""Reasons: one small pair for each kind of change. Changes read from right to left."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from codeclone.match.listing import listing
from codeclone.match.reason import CAVEAT, part_sentence, reason
from codeclone.match.rename import compare
from codeclone.match.surface import clone_type
from codeclone.model import Level, SharedPart, Span


def told(left: str, right: str, share: float = 1.0, level: Level = "strong") -> str:
    one, other = listing(dedent(left)), listing(dedent(right))
    assert not isinstance(one, str), one
    assert not isinstance(other, str), other
    comparison = compare(one, other)
    kind = clone_type(comparison.proof, None, share, len(comparison.literals))
    return reason(one, other, comparison, kind, share, level)


BODY = "    u = first(x, 3)\n    v = second(u, x)\n    w = third(v, u, 5)\n"
END = "    return last(w, 7)\n"


def around(left: str, right: str) -> str:
    """What is told of two functions that differ in the middle only."""
    return told(f"def f(x):\n{BODY}{left}{END}", f"def f(x):\n{BODY}{right}{END}")


CHANGES = [
    ("    g = [h(a) for a in w]\n", "    g = []\n    for a in w:\n        g.append(h(a))\n", "a loop became a comprehension"),
    ("    g = []\n    for a in w:\n        g.append(h(a))\n", "    g = [h(a) for a in w]\n", "a comprehension became a loop"),
    ("    g = list(map(h, w))\n", "    g = [h(a) for a in w]\n", "a comprehension became a map or filter"),
    ("    g = 1 if w else 2\n", "    if w:\n        g = 1\n    else:\n        g = 2\n", "an if/else became a conditional expression"),
    ("    if not w:\n        g(2)\n    else:\n        g(1)\n", "    if w:\n        g(1)\n    else:\n        g(2)\n", "1 condition negated"),
    ("    if w >= 4:\n        g(2)\n    else:\n        g(1)\n", "    if w < 4:\n        g(1)\n    else:\n        g(2)\n", "1 condition negated"),
    ("    g(h(w) + 1)\n", "    t = h(w)\n    g(t + 1)\n", "a temporary inlined"),
    ("    g(k(h(w), 2) + 1)\n", "    t = h(w)\n    s = k(t, 2)\n    g(s + 1)\n", "2 temporaries inlined"),
    ("    t = h(w)\n    g(t + 1)\n", "    g(h(w) + 1)\n", "a temporary introduced"),
    ("    w = g(h(w, 2) + 1)\n", "    w = h(w, 2)\n    w = g(w + 1)\n", "a temporary inlined"),
    ("    w = h(w)\n    w = k(w, v)\n    w = g(2, w)\n", "    w = g(2, k(h(w), v))\n", "2 temporaries introduced"),
    ("    g, h = w.a, w.b\n    k(g, h)\n", "    g = w.a\n    h = w.b\n    k(g, h)\n", "assignments merged into a tuple"),
    ("    g = w.a\n    h = w.b\n    k(g, h)\n", "    g, h = w.a, w.b\n    k(g, h)\n", "a tuple assignment split"),
    ("    g(f'{w} of {v}')\n", "    g('%s of %s' % (w, v))\n", "a % formatting became an f-string"),
    ("    g('{} of {}'.format(w, v))\n", "    g(f'{w} of {v}')\n", "an f-string became a str.format"),
    ("    w = w.transpose(0, 1)\n", "    w = w.permute(1, 0)\n", "library calls spelt otherwise: permute → transpose"),
    ("    w = w.matmul(v)\n", "    w = w @ v\n", "library calls spelt otherwise: @ → matmul"),
    ("    w = torch.softmax(w, -1)\n", "    w = w.softmax(-1)\n", "softmax called as a function instead of a method"),
    ("    w = h(w, size=4)\n", "    w = h(w, 4)\n", "1 argument passed by keyword instead of by position"),
    ("    w = h(w, 1e-06)\n", "    w = h(w, 10 ** -6)\n", "1 constant re-expressed"),
    ("    w = h(w * 2.5)\n", "    w = h(w * FACTOR)\n", "a named constant written out"),
    ("    w = h(w * FACTOR)\n", "    w = h(w * 2.5)\n", "a constant given a name"),
    ("    w = cat([half(v, w), half(w, v)])\n", "    s = part(v, w)\n    t = part(w, v)\n    w = cat([s, t])\n", "2 temporaries inlined"),
    ("    w += v\n", "    w = w + v\n", "a plain assignment became an augmented assignment"),
    ("", "    assert w.shape[0] == 4\n", "1 assert dropped"),
    ("    print(w)\n    print(v)\n", "", "2 prints added"),
    ("    logger.info('w %s', w)\n", "", "1 logging call added"),
    ("    g(w)\n    k(v, 1)\n", "    k(v, 1)\n    g(w)\n", "1 in another order"),
    ("    g(w, 1)\n", "    g(w, 2)\n", "1 with other literals"),
    ("    q(w, 0)\n    r(v)\n", "", "2 only on the left"),
    ("", "    q(w, 0)\n    r(v)\n", "2 only on the right"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "expected"), CHANGES, ids=[change[2] for change in CHANGES])
def test_each_kind_of_change_is_told(left: str, right: str, expected: str) -> None:
    parts = re.split("[;,] ", around(left, right)) + around(left, right).split("; ")
    assert expected in parts, parts


def test_what_did_not_change_is_not_told() -> None:
    for left, right, expected in CHANGES:
        parts = around(left, right).split("; ")[1:]
        extra = [
            part for part in parts if part != expected and not part.startswith(("1 statement", "2 statement", "3 st"))
        ]
        assert len(extra) <= 1, (expected, extra)


def test_the_same_text() -> None:
    text = f"def f(x):\n{BODY}{END}"
    assert told(text, text) == "the same text"
    assert told(text.replace(", ", " ,  "), text) == "the same text but for layout"


def test_prose_and_annotations() -> None:
    right = f'def f(x):\n    """What it does."""\n{BODY}    # the end\n{END}'
    assert told(f"def f(x):\n{BODY}{END}", right) == "the same statements; docstring dropped; 1 comment dropped"
    left = f'def f(x: int):\n    """Another."""\n{BODY}    # done\n{END}'
    assert (
        told(left, right)
        == "the same statements; another docstring; 1 comment added; 1 comment dropped; annotations added"
    )


def test_renames_are_counted() -> None:
    text = f"def f(x):\n{BODY}{END}"
    assert told(text.replace("x", "y"), text) == "the same statements after 1 rename"


def test_guard_clauses() -> None:
    right = (
        "def f(x, y):\n    a = g(x)\n    if y:\n        b = h(a)\n        c = k(b)\n        a = m(c)\n    return a\n"
    )
    left = "def f(x, y):\n    a = g(x)\n    if not y:\n        return a\n    b = h(a)\n    c = k(b)\n    a = m(c)\n    return a\n"
    parts = told(left, right).split("; ")
    assert "a nested branch became a guard clause" in parts
    assert "1 condition negated" in parts


def test_methods_functions_and_parameters() -> None:
    right = f"def f(self, x):\n{BODY}{END}"
    assert "a method became a function" in told(f"def f(x):\n{BODY}{END}", right)
    assert "a method became a static method" in told(f"@staticmethod\ndef f(x):\n{BODY}{END}", right)
    assert "1 parameter added" in told(f"def f(self, x, y=3):\n{BODY}{END}", right)


def test_a_helper_that_the_right_does_not_call() -> None:
    right = f"def f(self, x):\n{BODY}    a = w * 2.5\n    b = a - v\n    w = a / b\n{END}"
    left = f"def f(self, x):\n{BODY}    w = self._scaled(w, v)\n{END}"
    assert "calls _scaled, the right does not" in told(left, right)


def test_what_cannot_be_told_from_an_independent_work_says_so() -> None:
    left = "def norm(x, w, e):\n    v = x.pow(2).mean(-1, keepdim=True)\n    return w * x * torch.rsqrt(v + e)\n"
    right = "def forward(self, h):\n    kind = h.dtype\n    h = h.float()\n    s = (h * h).mean(-1, True)\n    h = h / (s + self.eps).sqrt()\n    return (self.weight * h).to(kind)\n"
    assert told(left, right, share=0.6, level="weak").endswith(CAVEAT)
    assert CAVEAT not in told(left, left, level="weak")


def test_a_temporary_of_another_value_is_not_inlined() -> None:
    assert "inlined" not in around("    g(h(w, 2) + 1)\n", "    t = h(w)\n    g(t + 1)\n")


def test_a_method_of_a_variable_that_a_comprehension_binds_is_no_function() -> None:
    left = "def clip(ps, c):\n    n = norms([w.detach() for w in ps], c)\n    return scaled([w.grad.detach() for w in ps], n)\n"
    right = "def clip(ps, c):\n    for p in ps:\n        n = norm(p.detach(), c)\n        p.grad.detach().copy_(n)\n"
    assert "called as" not in told(left, right)


def test_calls_of_one_name_on_two_things_did_not_become_each_other() -> None:
    left = "    i = w.get(v)\n    k(i, v)\n"
    right = "    d = os.environ.get('DEBUG')\n    k(d, v)\n"
    assert "called as" not in around(left, right)
    assert "spelt" not in around("    a = u.permute(0, 1)\n", "    b = torch.transpose(v, 0, 1)\n")


def test_a_guard_without_counterpart_became_nothing() -> None:
    left = "    if v:\n        w = k(w)\n"
    right = "    if u == 1.0:\n        return 1.0\n    w = q(w, v)\n"
    assert "guard clause" not in around(left, right)


def test_two_tests_did_not_become_each_other() -> None:
    left = "    if u:\n        g = 1\n    else:\n        g = 2\n"
    right = '    g = math.ceil(w / 16) if v == "auto" else v\n'
    assert "conditional expression" not in around(left, right)


def test_two_computations_are_no_loop_and_comprehension() -> None:
    left = "    for a in w:\n        q(a, v)\n"
    right = "    g = [h(a) for a in u]\n"
    assert "became" not in around(left, right)


def test_parameters_are_counted_by_name() -> None:
    right = f"def f(x, a, b, c):\n{BODY}    w = k(w, a, b, c)\n{END}"
    left = f"def f(x, config):\n{BODY}    w = m(w, config.most)\n{END}"
    assert "1 parameter added, 3 removed" in told(left, right)


def test_comments_are_told_apart() -> None:
    text = f"def f(x):\n{BODY}    # the end\n{END}"
    more = f"def f(x):\n    # the start\n{BODY}    # the end\n{END}"
    assert told(more, text) == "the same statements; 1 comment added"
    assert told(text.replace("the end", "The END!"), text) == (
        "the same statements; 1 comment the same but for names, case and marks"
    )


def test_every_left_statement_is_in_one_number() -> None:
    for left, right, _ in CHANGES:
        sentence = around(left, right)
        head = sentence.partition("; ")[0]
        identical, whole = map(int, re.findall(r"(\d+) of the left side's (\d+)", head)[0])
        others = re.findall(r", (\d+) (?:edited|only on the left|in another order|with other literals)", head)
        assert identical + sum(map(int, others)) == whole, sentence


def test_merged_temporaries_are_on_both_sides() -> None:
    head = around("    g(k(h(w), 2) + 1)\n", "    t = h(w)\n    s = k(t, 2)\n    g(s + 1)\n").partition("; ")[0]
    assert "1 edited" in head
    assert "only" not in head


def test_without_an_identical_statement_there_is_no_renaming() -> None:
    left = "def norm(x):\n    return (x - x.mean()) / x.std()\n"
    right = "def total(rows, gain, bias):\n    found = []\n    for row in rows:\n        found.append(row * gain)\n    return sum(found) + bias\n"
    sentence = told(left, right, share=0.4, level="weak")
    assert "no consistent renaming" in sentence
    assert "rename" not in sentence.replace("renaming", "")


def test_long_comments_that_are_the_same_are_told() -> None:
    comment = "    # keep at least one row so that the mean below is never taken of nothing\n"
    notice = "    # Copyright of the authors, all rights reserved, see the licence file\n"
    sentence = around(f"{comment}{notice}    g(w)\n", f"{comment}{notice}    k(v, w)\n")
    assert "1 long comment is word for word the same" in sentence
    assert "long" not in around("    # the sum\n    g(w)\n", "    # the sum\n    k(v, w)\n")


def test_a_part_is_named() -> None:
    part = SharedPart(Span(62, 70), Span(88, 91), 0.96, 0.9, 80.0)
    assert part_sentence(part) == "the most alike are left lines 62–70: 96 % of them is found in right lines 88–91"
