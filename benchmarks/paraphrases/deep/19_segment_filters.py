import torch
import torch.nn.functional as F


def cut_with_margin(signal, segments, margin):
    """(batch, channels, time) -> (batch, segments, channels, time / segments + 2 margin)"""
    step = signal.size(-1) // segments
    wide = F.pad(signal, (margin, margin))
    start = torch.arange(segments, device=signal.device).view(-1, 1) * step
    inside = torch.arange(step + 2 * margin, device=signal.device).view(1, -1)
    return wide[:, :, start + inside].transpose(1, 2)


def filter_segments(signal, filters, offsets, dilation=1, step=256):
    """Every stretch of `step` samples goes through a dilated convolution of its own.

    filters: (batch, in, out, taps, segments), offsets: (batch, out, segments). All the small convolutions
    of the batch run as the groups of one.
    """
    batch, c_in, c_out, taps, segments = filters.shape
    if signal.size(-1) != step * segments:
        raise ValueError(f"expected {step * segments} samples, got {signal.size(-1)}")
    pieces = cut_with_margin(signal, segments, (taps - 1) // 2 * dilation)
    weight = filters.permute(0, 4, 2, 1, 3).reshape(-1, c_in, taps)
    bias = offsets.transpose(1, 2).reshape(-1)
    out = F.conv1d(pieces.reshape(1, -1, pieces.size(-1)), weight, bias, dilation=dilation, groups=batch * segments)
    return out.view(batch, segments, c_out, step).transpose(1, 2).flatten(2)
