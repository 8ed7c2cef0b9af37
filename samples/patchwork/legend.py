"""From places on a sheet to places on the ground."""

import math
import re

FEET = 0.3048
UNITS = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "yd": 0.9144, "ft": FEET, "ch": 20.1168, "verst": 1066.8}
DEGREES = re.compile(r"(\d{1,3})\s*[°d]\s*(?:(\d{1,2})\s*['′m]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*[\"″s]\s*)?([NSEWO])?", re.I)


def metres_per_pixel(bar_pixels, label):
    """From the length of a scale bar and what is written at its end; None where that cannot be read."""
    written = re.search(r"([\d.,]+)\s*([a-z]+)", label.lower())
    if written is None or bar_pixels <= 0:
        return None
    amount, unit = written.groups()
    factor = UNITS.get(unit.rstrip("s")) or UNITS.get(unit)
    if factor is None:
        return None
    amount = amount.replace(",", ".") if amount.count(",") == 1 and "." not in amount else amount.replace(",", "")
    return float(amount) * factor / bar_pixels


def degrees(text):
    """Signed decimal degrees of an angle as sheets print them; `O` is west on French and Spanish ones."""
    found = DEGREES.search(text)
    if not found:
        raise ValueError(f"no angle in {text!r}")
    whole, minutes, seconds, side = found.groups()
    value = int(whole) + int(minutes or 0) / 60 + float(seconds or 0) / 3600
    return -value if side and side.upper() in "SWO" else value


def affine_of(points):
    """Least squares for x' = a x + b y + c over tie points ((x, y), (east, north)), by normal equations."""
    sums = [[0.0] * 3 for _ in range(3)]
    wanted = [[0.0] * 2 for _ in range(3)]
    for (x, y), target in points:
        basis = (x, y, 1.0)
        for i in range(3):
            for j in range(3):
                sums[i][j] += basis[i] * basis[j]
            for k in range(2):
                wanted[i][k] += basis[i] * target[k]
    for pivot in range(3):
        best = max(range(pivot, 3), key=lambda row: abs(sums[row][pivot]))
        sums[pivot], sums[best] = sums[best], sums[pivot]
        wanted[pivot], wanted[best] = wanted[best], wanted[pivot]
        for row in range(3):
            if row != pivot:
                ratio = sums[row][pivot] / sums[pivot][pivot]
                sums[row] = [a - ratio * b for a, b in zip(sums[row], sums[pivot])]
                wanted[row] = [a - ratio * b for a, b in zip(wanted[row], wanted[pivot])]
    return [[wanted[i][k] / sums[i][i] for i in range(3)] for k in range(2)]


def ground_distance(one, other, radius=6371008.8):
    """Metres between two (latitude, longitude) in degrees, along the great circle."""
    lat_1, lon_1, lat_2, lon_2 = map(math.radians, (*one, *other))
    chord = math.sin((lat_2 - lat_1) / 2) ** 2 + math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    return 2 * radius * math.asin(math.sqrt(chord))


class Legend:
    """Symbols of a sheet: each a colour and a word."""

    def __init__(self, entries):
        self.entries = [(tuple(colour), word) for colour, word in entries]

    def nearest(self, colour, tolerance=60.0):
        """The word of the most alike colour; red counts less in the dark, as eyes have it."""
        def apart(other):
            mean_red = (colour[0] + other[0]) / 2
            red, green, blue = (a - b for a, b in zip(colour, other))
            return math.sqrt((2 + mean_red / 256) * red**2 + 4 * green**2 + (3 - mean_red / 256) * blue**2)

        gap, word = min((apart(other), word) for other, word in self.entries)
        return word if gap <= tolerance else None

    def shares(self, pixels):
        """How much of the sheet each symbol covers."""
        tally = dict.fromkeys((word for _, word in self.entries), 0)
        for pixel in pixels:
            word = self.nearest(pixel)
            if word is not None:
                tally[word] += 1
        whole = sum(tally.values()) or 1
        return {word: count / whole for word, count in tally.items()}
