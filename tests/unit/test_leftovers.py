"""Names that the left uses and only the right defines."""

from __future__ import annotations

import pytest

from codeclone import scan
from codeclone.match.leftovers import is_distinctive, is_stock
from codeclone.model import Report
from tests.conftest import SAMPLES

RIGHT = """
class ZephyrResampler:
    frozen_window = 3

    def pack_windows(self, x):
        self.window_cursor = x
        return x

def fold_zephyr(x):
    return x

ZEPHYR_LIMIT = 3
def hidden_states(x):
    return x
def borrowed_helper(x):
    return x
def bound_by_left(x):
    return x
def attribute_of_library(x):
    return x
def key_of_left(x):
    return x
"""

LEFT = '''
import torch
from somewhere import borrowed_helper
import library

class Pool:
    """Was a ZephyrResampler once."""
    _no_split = ["ZephyrResampler"]

    def run(self, x, bound_by_left=3):
        # see pack_windows
        y = fold_zephyr(x)  # hidden_states
        y.window_cursor_of = 3
        return borrowed_helper(y) + library.attribute_of_library(x) + x.window_cursor + y["key_of_left"]
'''


def scanned(repository, left: str, right: str) -> Report:
    return scan(str(repository("left", {"l.py": left})), str(repository("right", {"r.py": right})))


def test_planted_leftovers_are_found_with_their_places(repository) -> None:
    found = {leftover.name: leftover for leftover in scanned(repository, LEFT, RIGHT).leftovers}
    assert set(found) == {"ZephyrResampler", "pack_windows", "fold_zephyr", "window_cursor"}
    assert {name for name, leftover in found.items() if leftover.unresolved} == {"fold_zephyr", "window_cursor"}
    resampler = found["ZephyrResampler"]
    assert [place.location.span.first for place in resampler.left if place.location.span] == [7, 8]
    assert [place.qualname for place in resampler.right] == ["ZephyrResampler"]


def test_what_the_left_defines_anywhere_is_no_leftover(repository) -> None:
    assert not scanned(repository, LEFT + RIGHT, RIGHT).leftovers


@pytest.mark.parametrize(
    ("left", "right"),
    [("independent", "original"), ("original", "independent"), ("fork_radar", "fork_captions"),
     ("fork_captions", "fork_radar"), ("fork_radar", "upstream"), ("upstream", "independent")],
)  # fmt: skip
def test_innocents_have_no_leftovers(left: str, right: str) -> None:
    assert not scan(str(SAMPLES / left), str(SAMPLES / right)).leftovers


def test_names_that_both_define_are_counted_apart(repository) -> None:
    found = scanned(repository, RIGHT, RIGHT).common_names
    assert found is not None
    assert "ZephyrResampler" in found.names
    assert "hidden_states" not in found.names
    assert found.stock == found.count - len(found.names) > 0
    assert found.explained is None


@pytest.mark.parametrize("name", ["MiniResampler", "slot_table", "_pack_windows", "ZEPHYR_LIMIT"])
def test_several_words_in_one_are_distinctive(name: str) -> None:
    assert is_distinctive(name)
    assert not is_stock(name)


@pytest.mark.parametrize("name", ["resampler", "__init_subclass__", "a_b", "Perceiver", "x" * 90 + "_y"])
def test_other_names_are_not(name: str) -> None:
    assert not is_distinctive(name)
