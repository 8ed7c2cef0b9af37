from collections import namedtuple

import numpy as np

Emphasis = namedtuple("Emphasis", "octave spread")


def bell(x):
    return np.exp(-x * x / 2)


def pitch_axis(n_bins, n_classes, rate, detune):
    """Pitch of each spectrum bin in classes above the reference; the DC bin lies 1.5 octaves under the first."""
    reference = 27.5 * 2.0 ** (detune / n_classes)
    hz = np.arange(1, n_bins) * (rate / n_bins)
    pitch = np.empty(n_bins)
    pitch[1:] = n_classes * (np.log2(hz) - np.log2(reference))
    pitch[0] = pitch[1] - 1.5 * n_classes
    return pitch


def circular_gap(pitch, n_classes):
    """Signed distance to every class on the circle, (bins, classes)."""
    half = float(np.round(n_classes / 2))
    return (pitch[:, None] - np.arange(n_classes) + half) % n_classes - half


def pitch_class_matrix(n_bins, n_classes, rate, detune=0.0, norm=2.0, emphasis=Emphasis(5.0, 2), from_c=True):
    """Linear map of a power spectrum onto pitch classes, (classes, bins // 2 + 1)."""
    pitch = pitch_axis(n_bins, n_classes, rate, detune)
    width = np.diff(pitch, append=pitch[-1] + 1).clip(min=1.0)
    matrix = bell(2 * circular_gap(pitch, n_classes) / width[:, None])
    if norm is not None:
        matrix /= np.linalg.norm(matrix, ord=norm, axis=1, keepdims=True)
    if emphasis is not None:
        octave, spread = emphasis
        matrix *= bell((pitch / n_classes - octave) / spread)[:, None]
    if from_c:
        order = (np.arange(n_classes) + 3 * (n_classes // 12)) % n_classes
        matrix = matrix[:, order]
    return matrix[: 1 + n_bins // 2].T.copy()
