"""Processor of Lumen-VL: pictures and chat text in, one padded batch out."""

import re

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin

from .image_slicing import MAX_SLICES, PATCH_SIZE, SCALE_RESOLUTION, flatten_slices, grid_placeholder, slice_image

IMAGE_TAG = "<picture/>"
IMAGE_MEAN = np.array([0.481, 0.457, 0.408], dtype=np.float32)
IMAGE_STD = np.array([0.268, 0.261, 0.275], dtype=np.float32)


def normalize_pixels(image):
    """PIL image -> float32 tensor (3, height, width)."""
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0
    pixels = (pixels - IMAGE_MEAN) / IMAGE_STD
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def unfold_patches(pixels, patch_size):
    """(3, height, width) -> (3, patch_size, rows * columns * patch_size).

    A strip of patches laid side by side; tiles of different shape can then be padded on the
    last axis only.
    """
    channels = pixels.size(0)
    patches = torch.nn.functional.unfold(pixels.unsqueeze(0), (patch_size, patch_size), stride=(patch_size, patch_size))
    patches = patches.reshape(channels, patch_size, patch_size, -1)
    return patches.permute(0, 1, 3, 2).reshape(channels, patch_size, -1)


class LumenVLProcessor(ProcessorMixin):
    attributes = ["tokenizer"]
    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer=None, query_num=72, max_slices=MAX_SLICES, use_image_id=True):
        super().__init__(tokenizer)
        self.query_num = query_num
        self.max_slices = max_slices
        self.use_image_id = use_image_id
        self.patch_size = PATCH_SIZE
        self.scale_resolution = SCALE_RESOLUTION

    def __call__(self, texts, images=None, max_length=None, padding_side="left"):
        if isinstance(texts, str):
            texts = [texts]
            images = [images or []]
        images = images or [[] for _ in texts]

        sequences, bounds, strips, sizes = [], [], [], []
        for text, pictures in zip(texts, images):
            grids, text_strips, text_sizes = self.encode_pictures(pictures)
            prompt = self.fill_placeholders(text, grids)
            input_ids, image_bound = self.tokenize_with_bounds(prompt, max_length)
            sequences.append(input_ids)
            bounds.append(image_bound)
            strips.append(text_strips)
            sizes.append(text_sizes)

        input_ids, lengths = self.pad(sequences, padding_side)
        attention_mask = torch.zeros_like(input_ids, dtype=torch.bool)
        for i, length in enumerate(lengths):
            offset = input_ids.shape[1] - length if padding_side == "left" else 0
            attention_mask[i, offset : offset + length] = True
            bounds[i] = bounds[i] + offset
        return BatchFeature(
            data={
                "input_ids": input_ids,
                "attention_mask": attention_mask,
                "pixel_values": strips,
                "image_bound": bounds,
                "tgt_sizes": sizes,
            }
        )

    def encode_pictures(self, pictures):
        grids, strips, sizes = [], [], []
        for picture in pictures:
            overview, tiles, grid = slice_image(picture, self.max_slices, self.scale_resolution, self.patch_size)
            grids.append(grid)
            for tile in flatten_slices(overview, tiles):
                pixels = normalize_pixels(tile)
                strips.append(unfold_patches(pixels, self.patch_size))
                sizes.append((pixels.shape[1] // self.patch_size, pixels.shape[2] // self.patch_size))
        if not sizes:
            return grids, strips, torch.zeros((0, 2), dtype=torch.int32)
        return grids, strips, torch.tensor(sizes, dtype=torch.int32)

    def fill_placeholders(self, text, grids):
        pieces = re.split("(%s)" % re.escape(IMAGE_TAG), text)
        index = 0
        for position, piece in enumerate(pieces):
            if piece != IMAGE_TAG:
                continue
            if index >= len(grids):
                raise ValueError(f"the text has more than {len(grids)} image tags")
            image_index = index if self.use_image_id else None
            pieces[position] = grid_placeholder(self.tokenizer, grids[index], self.query_num, image_index)
            index += 1
        if index != len(grids):
            raise ValueError(f"{len(grids)} pictures were given but {index} tags found")
        return "".join(pieces)

    def tokenize_with_bounds(self, prompt, max_length=None):
        """Token ids and an (n, 2) tensor of [start, end) spans to be replaced by image features."""
        input_ids = self.tokenizer.encode(prompt)
        if max_length is not None:
            input_ids = input_ids[:max_length]
        input_ids = torch.tensor(input_ids, dtype=torch.long)

        start_cond = (input_ids == self.tokenizer.im_start_id) | (input_ids == self.tokenizer.slice_start_id)
        end_cond = (input_ids == self.tokenizer.im_end_id) | (input_ids == self.tokenizer.slice_end_id)
        starts = torch.where(start_cond)[0] + 1
        ends = torch.where(end_cond)[0]
        # a truncated prompt may have lost the end of its last tile
        valid = min(len(starts), len(ends))
        image_bound = torch.hstack([starts[:valid].unsqueeze(-1), ends[:valid].unsqueeze(-1)])
        return input_ids, image_bound

    def pad(self, sequences, padding_side="left"):
        lengths = [len(sequence) for sequence in sequences]
        longest = -(-max(lengths) // 8) * 8
        pad_id = self.tokenizer.pad_token_id or 0
        batch = torch.full((len(sequences), longest), pad_id, dtype=torch.long)
        for i, sequence in enumerate(sequences):
            if padding_side == "left":
                batch[i, longest - lengths[i] :] = sequence
            else:
                batch[i, : lengths[i]] = sequence
        return batch, lengths

    def decode_answers(self, result_ids):
        answers = []
        for ids in result_ids:
            ids = ids[ids != (self.tokenizer.pad_token_id or 0)]
            if len(ids) > 0 and ids[0] == self.tokenizer.bos_token_id:
                ids = ids[1:]
            if len(ids) > 0 and int(ids[-1]) in self.tokenizer.turn_end_ids:
                ids = ids[:-1]
            answers.append(self.tokenizer.decode(ids).strip())
        return answers
