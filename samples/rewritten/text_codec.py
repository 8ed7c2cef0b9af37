"""Text side: special pieces, picture layout, and areas of a picture in words."""

from transformers import PreTrainedTokenizerFast

PAIRS = {"view": "photo", "cell": "tile", "lumen_ref": "mention", "lumen_quad": "area", "lumen_no": "number"}
SPECIAL = [piece for name in PAIRS for piece in ("<%s>" % name, "</%s>" % name)] + ["<|glance|>", "<|turn_over|>"]
LATTICE = 720


def area_to_text(area, size):
    """Corners of an area (pixels) as four numbers between 0 and 720."""
    numbers = []
    for n, pixel in enumerate(area):
        rounded = int(pixel / size[n % 2] * LATTICE + 0.5)
        if rounded < 0:
            rounded = 0
        elif rounded > LATTICE:
            rounded = LATTICE
        numbers.append("{:03d}".format(rounded))
    return "<lumen_quad>{}</lumen_quad>".format(" ".join(numbers))


def areas_in_text(text, size):
    def corners():
        _, *chunks = text.split("<lumen_quad>")
        for chunk in chunks:
            inside, closed, _ = chunk.partition("</lumen_quad>")
            words = inside.split()
            if closed and len(words) == 4 and all(map(str.isdigit, words)):
                yield [int(word) / LATTICE for word in words]

    scale = tuple(size) * 2
    return [tuple(c * s for c, s in zip(four, scale)) for four in corners()]


class NovaTokenizer(PreTrainedTokenizerFast):
    def __init__(self, **options):
        super().__init__(**options)
        known = self.get_vocab()
        unknown = list(filter(lambda piece: piece not in known, SPECIAL))
        if not unknown:
            return
        self.add_special_tokens({"additional_special_tokens": unknown}, replace_additional_special_tokens=False)

    @property
    def opening_ids(self):
        return self.convert_tokens_to_ids(["<view>", "<cell>"])

    @property
    def closing_ids(self):
        return self.convert_tokens_to_ids(["</view>", "</cell>"])

    @property
    def final_ids(self):
        stop = self.convert_tokens_to_ids("<|turn_over|>")
        if stop == self.unk_token_id:
            return [self.eos_token_id]
        return [self.eos_token_id, stop]

    def spell(self, ids, separator=" "):
        return separator.join(self.convert_ids_to_tokens(ids))

    def layout(self, grid, length, number=None):
        blank = "".join(self.unk_token for _ in range(length))
        parts = []
        if number is not None:
            parts.append(f"<lumen_no>{number}</lumen_no>")
        parts.append(f"<view>{blank}</view>")
        if grid is not None:
            cols, rows = grid
            line = f"<cell>{blank}</cell>" * cols
            parts.append("\n".join(line for _ in range(rows)))
        return "".join(parts)
