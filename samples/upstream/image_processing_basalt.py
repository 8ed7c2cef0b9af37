"""Image preparation for Basalt encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

import numpy as np
import torch
from PIL import Image

BASALT_MEAN = (0.481, 0.457, 0.408)
BASALT_STD = (0.262, 0.256, 0.271)


@dataclass
class BasaltImageProcessor:
    image_size: int = 224
    crop_fraction: float = 0.9
    mean: Sequence[float] = BASALT_MEAN
    std: Sequence[float] = BASALT_STD
    resample: Image.Resampling = Image.Resampling.BICUBIC

    def resize_shorter_side(self, image: Image.Image) -> Image.Image:
        target = round(self.image_size / self.crop_fraction)
        scale = target / min(image.size)
        size = tuple(max(self.image_size, round(side * scale)) for side in image.size)
        return image.resize(size, self.resample)

    def center_crop(self, image: Image.Image) -> Image.Image:
        left = (image.width - self.image_size) // 2
        top = (image.height - self.image_size) // 2
        return image.crop((left, top, left + self.image_size, top + self.image_size))

    def to_tensor(self, image: Image.Image) -> torch.Tensor:
        array = np.asarray(image, dtype=np.float32) / 255.0
        array = (array - np.asarray(self.mean, dtype=np.float32)) / np.asarray(
            self.std, dtype=np.float32
        )
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))

    def __call__(self, images: Image.Image | Iterable[Image.Image]) -> torch.Tensor:
        if isinstance(images, Image.Image):
            images = [images]
        prepared = []
        for image in images:
            image = image.convert("RGB")
            image = self.center_crop(self.resize_shorter_side(image))
            prepared.append(self.to_tensor(image))
        return torch.stack(prepared)


class BasaltTrainTransform:
    """Random resized crop and horizontal flip, then the usual normalisation."""

    def __init__(
        self,
        processor: BasaltImageProcessor,
        area: tuple[float, float] = (0.25, 1.0),
        flip: float = 0.5,
        seed: int | None = None,
    ):
        self.processor = processor
        self.area = area
        self.flip = flip
        self.rng = np.random.default_rng(seed)

    def random_box(self, width: int, height: int) -> tuple[int, int, int, int]:
        for _ in range(10):
            pixels = width * height * self.rng.uniform(*self.area)
            aspect = np.exp(self.rng.uniform(np.log(3 / 4), np.log(4 / 3)))
            crop_w = round(float(np.sqrt(pixels * aspect)))
            crop_h = round(float(np.sqrt(pixels / aspect)))
            if 0 < crop_w <= width and 0 < crop_h <= height:
                left = int(self.rng.integers(0, width - crop_w + 1))
                top = int(self.rng.integers(0, height - crop_h + 1))
                return left, top, left + crop_w, top + crop_h
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side

    def __call__(self, image: Image.Image) -> torch.Tensor:
        image = image.convert("RGB")
        size = (self.processor.image_size, self.processor.image_size)
        image = image.resize(size, self.processor.resample, box=self.random_box(*image.size))
        if self.rng.random() < self.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return self.processor.to_tensor(image)
