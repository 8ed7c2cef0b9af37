import numpy as np

from .scales import hz_to_octaves


def pitch_class_weights(n_bins, n_classes, rate, detune=0.0, norm=2.0, emphasis=(5.0, 2), from_c=True):
    """Matrix that maps a spectrum with `n_bins` bins onto `n_classes` pitch classes (12: semitones)."""

    def bell(z):
        return np.exp(-np.square(z) / 2)

    hz = np.arange(1, n_bins) * (rate / n_bins)
    octaves = hz_to_octaves(hz, tuning=detune, bins_per_octave=n_classes)
    place = np.empty(n_bins)
    place[1:] = octaves * n_classes
    # no pitch at 0 Hz: pretend it is one and a half octaves below the next bin
    place[0] = place[1] - n_classes * 3 / 2

    spread = np.ones(n_bins)
    spread[:-1] = np.diff(place).clip(min=1.0)

    # signed circular distance between pitch class and bin
    half = np.round(n_classes / 2)
    distance = place[None, :] - np.arange(n_classes, dtype=float)[:, None]
    distance = (distance + half + n_classes * 10) % n_classes - half

    weights = bell(distance * 2 / spread)

    if norm is not None:
        weights /= (weights**norm).sum(axis=0) ** (1 / norm)

    if emphasis is not None:
        middle, deviation = emphasis
        weights = weights * bell((place / n_classes - middle) / deviation)

    if from_c:
        shift = n_classes // 12 * 3
        weights = np.concatenate([weights[shift:], weights[:shift]])

    # the upper half only mirrors the lower one
    return weights[:, : 1 + n_bins // 2].copy(order="C")
