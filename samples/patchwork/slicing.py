"""Cutting sheets."""

import math

import numpy as np
from PIL import Image

SHARP_ENOUGH = 1.12
PRICE = 0.015


def in_units(size, unit):
    rounded = unit * round(size / unit)
    return max(unit, rounded)


class Cutter:
    """Knows how fine a sheet has to be seen."""

    def __init__(self, edge=448, unit=14, most=9):
        self.edge, self.unit, self.most = edge, unit, most

    def shrunk(self, extent, enlarge=False):
        across, down = extent
        if enlarge or across * down > self.edge**2:
            lean = across / down
            down = int(self.edge / math.sqrt(lean))
            across = int(lean * down)
        return tuple(in_units(size, self.unit) for size in (across, down))

    def divisions(self, wanted):
        found = []
        for number in range(wanted - 1, wanted + 2):
            if 1 < number <= self.most:
                found += [(a, number // a) for a in range(1, number + 1) if number % a == 0]
        return found

    def layout(self, extent):
        across, down = extent
        excess = across * down / (self.edge**2)
        if excess > SHARP_ENOUGH and self.most >= 2:
            slant = math.log(across / down)
            winner, lowest = None, math.inf
            for division in self.divisions(min(self.most, math.ceil(excess))):
                a, b = division
                cost = PRICE * a * b + abs(slant - math.log(a / b))
                if lowest > cost:
                    winner, lowest = division, cost
            return winner
        return None

    def pieces(self, sheet, division):
        """The sheet, enlarged so that every piece is whole units, and cut row by row."""
        a, b = division
        across, down = sheet.size
        one_across, one_down = self.shrunk((in_units(across, a) / a, in_units(down, b) / b), enlarge=True)
        large = sheet.resize((one_across * a, one_down * b), Image.Resampling.BICUBIC)
        rows = []
        for y in range(0, large.size[1], one_down):
            rows.append([large.crop((x, y, x + one_across, y + one_down)) for x in range(0, large.size[0], one_across)])
        return rows

    def neatline(self, sheet, ink=0.35):
        """The frame round the map: the outermost rows and columns that are mostly dark."""
        dark = np.asarray(sheet.convert("L")) < 96
        lines = []
        for share in (dark.mean(axis=1), dark.mean(axis=0)):
            strong = np.flatnonzero(share > ink)
            lines.append((int(strong[0]), int(strong[-1])) if strong.size > 1 else (0, share.size - 1))
        (top, bottom), (left, right) = lines
        return left, top, right + 1, bottom + 1


def inset_extent(across, down, edge, unit):
    """For insets, which are seen whole: whole units, never more pixels than the edge squared."""
    grow = math.sqrt(edge * edge / (across * down))
    wide, tall = (max(1, round(size * grow / unit)) for size in (across, down))
    allowed = (edge // unit) ** 2
    while allowed < wide * tall:
        wide, tall = (wide - 1, tall) if wide >= tall else (wide, tall - 1)
    return wide * unit, tall * unit


def square_view(sheet, edge, kept=0.9):
    """The middle of a sheet whose shorter side has been scaled to a little more than the edge."""
    factor = round(edge / kept) / min(sheet.size)
    across, down = [max(edge, round(side * factor)) for side in sheet.size]
    sheet = sheet.resize((across, down), Image.Resampling.BICUBIC)
    x, y = (sheet.width - edge) // 2, (sheet.height - edge) // 2
    return sheet.crop((x, y, x + edge, y + edge))


def any_window(across, down, share, dice):
    """A random part of a sheet, as (left, top, right, bottom)."""
    attempts = 10
    while attempts > 0:
        attempts -= 1
        amount = across * down * dice.uniform(*share)
        lean = np.exp(dice.uniform(np.log(3 / 4), np.log(4 / 3)))
        wide, tall = round(float(np.sqrt(amount * lean))), round(float(np.sqrt(amount / lean)))
        if wide > across or tall > down or wide <= 0 or tall <= 0:
            continue
        x = int(dice.integers(0, across - wide + 1))
        y = int(dice.integers(0, down - tall + 1))
        return x, y, x + wide, y + tall
    shorter = min(across, down)
    x = (across - shorter) // 2
    y = (down - shorter) // 2
    return x, y, x + shorter, y + shorter


def without_folds(gray, reach=9, depth=18):
    """Sheets were folded for the pocket: narrow vertical streaks that are darker than both neighbours are filled in."""
    columns = gray.mean(axis=0)
    before, after = np.roll(columns, reach), np.roll(columns, -reach)
    folded = (columns < before - depth) & (columns < after - depth)
    folded[:reach] = folded[-reach:] = False
    mended = gray.astype(np.float32)
    for x in np.flatnonzero(folded):
        mended[:, x] = 0.5 * (mended[:, x - reach] + mended[:, x + reach])
    return mended
