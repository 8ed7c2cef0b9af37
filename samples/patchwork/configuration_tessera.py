"""Settings: those of the eyes, and those of the whole model."""

import dataclasses
import json
import pathlib

SIZES = {
    "pocket": dict(span=288, storeys=10, gazes=6),
    "desk": dict(span=512, storeys=14, gazes=8),
    "wall": dict(span=832, storeys=18, gazes=13),
}


@dataclasses.dataclass
class EyeSettings:
    picture: int = 336
    stamp: int = 12
    bands: int = 3
    span: int = 512
    storeys: int = 14
    gazes: int = 8
    swell: float = 3.25
    notes: int = 4
    lean: bool = True
    first_gain: float = 0.0003
    skip_most: float = 0.1
    forget: float = 0.03
    floor: float = 1e-6
    spread: float = 0.02
    gather: str = "mean"

    def __post_init__(self):
        if self.picture % self.stamp != 0:
            raise ValueError("picture %d is not a multiple of stamp %d" % (self.picture, self.stamp))
        if not self.span % self.gazes == 0:
            raise ValueError("span %d is not a multiple of gazes %d" % (self.span, self.gazes))
        known = self.gather in ("cls", "mean", "registers")
        if not known:
            raise ValueError("unknown gather {!r}".format(self.gather))

    @property
    def leading(self):
        return self.notes + 1

    @staticmethod
    def from_folder(place):
        place = pathlib.Path(place)
        where = place / "config.json" if place.is_dir() else place
        stored = json.loads(where.read_text())
        names = set(f.name for f in dataclasses.fields(EyeSettings))
        chosen = {name: stored[name] for name in stored if name in names}
        return EyeSettings(**chosen)


def eyes_of_size(size, **changes):
    if size in SIZES:
        merged = dict(SIZES[size], **changes)
        return EyeSettings(**merged)
    raise KeyError("unknown size {!r}; choose from {}".format(size, sorted(SIZES)))


@dataclasses.dataclass
class TesseraSettings:
    words: int = 32012
    breadth: int = 960
    ears: int = 15
    shared_ears: int = 5
    rise: int = 2720
    storeys: int = 20
    wave_base: float = 500000.0
    reach: int = 5120
    floor: float = 1e-5
    digests: int = 72
    ceiling: float = 22.0
    calm: float = 3e-5
    cutting: bool = True
    most_cuts: int = 9
    eyes: EyeSettings = dataclasses.field(default_factory=EyeSettings)

    @property
    def ear_span(self):
        return self.breadth // self.ears

    def visual_ceiling(self):
        """No sheet takes more positions than this."""
        views = 1
        if self.cutting:
            views += self.most_cuts
        return self.most_cuts + (2 + self.digests) * views

    def budget_gib(self, sheets, bytes_each=2, slack=1.15):
        """Rough memory for a batch of so many sheets: weights of the storeys, then keys and values."""
        per_storey = 2 * self.breadth * self.breadth + 3 * self.breadth * self.rise
        shared = self.breadth // self.ears * self.shared_ears
        per_storey += 2 * self.breadth * shared
        weights = self.storeys * per_storey + self.words * self.breadth
        remembered = sheets * self.reach * shared * 2 * self.storeys
        return slack * bytes_each * (weights + remembered) / 2**30
