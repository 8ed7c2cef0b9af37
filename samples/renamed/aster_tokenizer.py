from transformers import PreTrainedTokenizerFast

EXTRA_PIECES = [
    '<lumen_img>', '</lumen_img>',
    '<lumen_tile>', '</lumen_tile>',
    '<lumen_ref>', '</lumen_ref>',
    '<lumen_quad>', '</lumen_quad>',
    '<lumen_no>', '</lumen_no>',
    '<|glance|>', '<|turn_over|>',
]


class AsterChatTokenizer(PreTrainedTokenizerFast):
    photo_open = '<lumen_img>'
    photo_close = '</lumen_img>'
    crop_open = '<lumen_tile>'
    crop_close = '</lumen_tile>'
    mention_open = '<lumen_ref>'
    mention_close = '</lumen_ref>'
    region_open = '<lumen_quad>'
    region_close = '</lumen_quad>'
    ordinal_open = '<lumen_no>'
    ordinal_close = '</lumen_no>'

    steps = 720  # resolution of region coordinates

    def __init__(self, **options):
        super().__init__(**options)
        absent = [piece for piece in EXTRA_PIECES if piece not in self.get_vocab()]
        if absent:
            self.add_special_tokens(
                {'additional_special_tokens': absent}, replace_additional_special_tokens=False)

    @property
    def photo_open_id(self):
        return self.convert_tokens_to_ids(self.photo_open)

    @property
    def photo_close_id(self):
        return self.convert_tokens_to_ids(self.photo_close)

    @property
    def crop_open_id(self):
        return self.convert_tokens_to_ids(self.crop_open)

    @property
    def crop_close_id(self):
        return self.convert_tokens_to_ids(self.crop_close)

    @property
    def stop_ids(self):
        result = [self.eos_token_id]
        finish = self.convert_tokens_to_ids('<|turn_over|>')
        if finish != self.unk_token_id:
            result.append(finish)
        return result

    def write_region(self, region, dims):
        w, h = dims
        x0, y0, x1, y1 = region
        coords = []
        for pixel, full in ((x0, w), (y0, h), (x1, w), (y1, h)):
            step = int(pixel / full * self.steps + 0.5)
            coords.append(min(max(step, 0), self.steps))
        return '%s%s%s' % (self.region_open, ' '.join('%03d' % c for c in coords), self.region_close)

    def read_regions(self, answer, dims):
        """Pixel rectangles mentioned in an answer of the model."""
        w, h = dims
        regions = []
        for fragment in answer.split(self.region_open)[1:]:
            if self.region_close not in fragment:
                continue
            words = fragment.split(self.region_close)[0].split()
            if len(words) != 4 or not all(word.isdigit() for word in words):
                continue
            left, top, right, bottom = [int(word) / self.steps for word in words]
            regions.append((left * w, top * h, right * w, bottom * h))
        return regions
