from typing import Sequence, Union

import numpy as np
from PIL import Image


class ImagePreprocessor:
    """Shortest-edge resize, centre crop, scale to [0, 1], normalise, NCHW."""

    def __init__(self, size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), crop_pct=0.875,
                 interpolation=Image.BICUBIC):
        self.size = size
        self.short_edge = round(size / crop_pct)
        self.mean = np.asarray(mean, dtype=np.float32)
        self.std = np.asarray(std, dtype=np.float32)
        self.interpolation = interpolation

    def _load(self, item):
        if isinstance(item, (str, bytes)) or hasattr(item, "__fspath__"):
            item = Image.open(item)
        elif isinstance(item, np.ndarray):
            item = Image.fromarray(item)
        return item.convert("RGB")

    def _one(self, item):
        img = self._load(item)
        w, h = img.size
        ratio = self.short_edge / min(w, h)
        img = img.resize((round(w * ratio), round(h * ratio)), self.interpolation)
        w, h = img.size
        left, top = (w - self.size) // 2, (h - self.size) // 2
        img = img.crop((left, top, left + self.size, top + self.size))
        arr = np.asarray(img, dtype=np.float32) / 255.0
        arr = (arr - self.mean) / self.std
        return arr.transpose(2, 0, 1)

    def __call__(self, images: Union[Image.Image, Sequence]):
        if not isinstance(images, (list, tuple)):
            images = [images]
        return np.stack([self._one(i) for i in images])
