"""The markup that tells the decoder where pictures are.

One picture becomes

    <|pic|> <|see|>*Q <|grid|> <|see|>*Q <|see|>*Q <|row|> <|see|>*Q ... <|/pic|>

that is: the whole picture first, then, only if it was divided, its tiles row by
row. Every ``<|see|>`` is a seat later taken by one resampled image feature.
"""

from dataclasses import dataclass

PIC_OPEN = "<|pic|>"
PIC_CLOSE = "<|/pic|>"
SEE = "<|see|>"
GRID = "<|grid|>"
ROW = "<|row|>"
USER = "<|user|>"
REPLY = "<|reply|>"
END = "<|end|>"
PAD = "<|pad|>"

MARKUP = (PIC_OPEN, PIC_CLOSE, SEE, GRID, ROW, USER, REPLY, END, PAD)

# What people write in a prompt where a picture should go.
SLOT = "[[picture]]"

IGNORE_LABEL = -100


@dataclass(frozen=True)
class MarkupIds:
    pic_open: int
    pic_close: int
    see: int
    grid: int
    row: int
    user: int
    reply: int
    end: int
    pad: int

    @classmethod
    def of(cls, tokenizer) -> "MarkupIds":
        ids = [tokenizer.convert_tokens_to_ids(token) for token in MARKUP]
        unknown = tokenizer.unk_token_id
        missing = [t for t, i in zip(MARKUP, ids) if i is None or i == unknown]
        if missing:
            raise ValueError(f"the tokenizer lacks {', '.join(missing)}")
        return cls(*ids)


def label_replies(ids: list[int], markup: MarkupIds) -> list[int]:
    """Copy of ``ids`` with everything but the assistant's own words blanked out.

    The closing ``<|end|>`` of a reply is kept, so the model learns to stop.
    """
    labels = []
    speaking = False
    for token in ids:
        labels.append(token if speaking else IGNORE_LABEL)
        if token == markup.reply:
            speaking = True
        elif token == markup.end:
            speaking = False
    return labels
