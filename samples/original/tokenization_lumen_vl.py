"""Tokenizer of Lumen-VL: the base BPE plus the markup used around pictures, boxes and speech turns."""

from transformers import PreTrainedTokenizerFast

MARKUP_TOKENS = [
    "<lumen_img>",
    "</lumen_img>",
    "<lumen_tile>",
    "</lumen_tile>",
    "<lumen_ref>",
    "</lumen_ref>",
    "<lumen_quad>",
    "</lumen_quad>",
    "<lumen_no>",
    "</lumen_no>",
    "<|glance|>",
    "<|turn_over|>",
]


class LumenVLTokenizerFast(PreTrainedTokenizerFast):
    im_start = "<lumen_img>"
    im_end = "</lumen_img>"
    slice_start = "<lumen_tile>"
    slice_end = "</lumen_tile>"
    ref_start = "<lumen_ref>"
    ref_end = "</lumen_ref>"
    box_start = "<lumen_quad>"
    box_end = "</lumen_quad>"
    im_id_start = "<lumen_no>"
    im_id_end = "</lumen_no>"

    # boxes are written on a 0..720 lattice whatever the size of the picture
    lattice = 720

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        missing = [token for token in MARKUP_TOKENS if token not in self.get_vocab()]
        if missing:
            self.add_special_tokens({"additional_special_tokens": missing}, replace_additional_special_tokens=False)

    @property
    def im_start_id(self):
        return self.convert_tokens_to_ids(self.im_start)

    @property
    def im_end_id(self):
        return self.convert_tokens_to_ids(self.im_end)

    @property
    def slice_start_id(self):
        return self.convert_tokens_to_ids(self.slice_start)

    @property
    def slice_end_id(self):
        return self.convert_tokens_to_ids(self.slice_end)

    @property
    def turn_end_ids(self):
        ids = [self.eos_token_id]
        over = self.convert_tokens_to_ids("<|turn_over|>")
        if over != self.unk_token_id:
            ids.append(over)
        return ids

    def format_box(self, box, size):
        """(left, top, right, bottom) in pixels -> markup on the lattice."""
        width, height = size
        left, top, right, bottom = box
        points = []
        for value, extent in ((left, width), (top, height), (right, width), (bottom, height)):
            point = int(value / extent * self.lattice + 0.5)
            points.append(min(max(point, 0), self.lattice))
        return "%s%s%s" % (self.box_start, " ".join("%03d" % p for p in points), self.box_end)

    def parse_boxes(self, text, size):
        """Inverse of format_box for every box in `text`; malformed boxes are skipped."""
        width, height = size
        boxes = []
        for chunk in text.split(self.box_start)[1:]:
            if self.box_end not in chunk:
                continue
            numbers = chunk.split(self.box_end)[0].split()
            if len(numbers) != 4 or not all(n.isdigit() for n in numbers):
                continue
            x0, y0, x1, y1 = [int(n) / self.lattice for n in numbers]
            boxes.append((x0 * width, y0 * height, x1 * width, y1 * height))
        return boxes
