import torch
import torch.nn.functional as F
from torch import Tensor


def per_frame_convolution(signal: Tensor, filters: Tensor, offsets: Tensor, spacing: int = 1, frame: int = 256) -> Tensor:
    """
    Convolve each `frame`-sized section of `signal` (n, c_in, time) with filters of its own.

    `filters` is (n, c_in, c_out, taps, frames) and `offsets` is (n, c_out, frames).
    """
    n, c_out, taps, frames = filters.size(0), *filters.shape[2:]
    expected = frames * frame
    if signal.size(-1) != expected:
        raise ValueError("signal length {} does not fit {} frames of {} samples".format(signal.size(-1), frames, frame))

    margin = (taps - 1) // 2 * spacing
    window = frame + 2 * margin

    sections = F.pad(signal, [margin] * 2).unfold(-1, size=window, step=frame)
    if spacing > frame:
        sections = F.pad(sections, [0, spacing])

    # n, c_in, frames, spacing, samples/spacing
    phases = sections.unfold(-1, spacing, spacing)[..., :frame].movedim(-1, -2)
    # n, c_in, frames, spacing, positions, taps
    patches = phases.unfold(-1, taps, 1)

    # contract channels and taps as one matrix product for each frame
    positions = patches.size(-2)
    lhs = patches.permute(0, 2, 4, 3, 1, 5).flatten(4).flatten(2, 3)
    rhs = filters.permute(0, 4, 1, 3, 2).flatten(2, 3)
    result = torch.matmul(lhs, rhs) + offsets.transpose(1, 2).unsqueeze(2)

    # n, frames, positions*spacing, c_out -> n, c_out, time
    assert result.size(2) == positions * spacing
    return result.permute(0, 3, 1, 2).reshape(n, c_out, -1)
