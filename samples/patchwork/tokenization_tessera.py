"""Pieces of text that mean something else, and areas of a sheet in words."""

SHEET, SHEET_END, LEGEND, SCALE = "<|sheet|>", "<|/sheet|>", "<|legend|>", "<|scale|>"
AREA, AREA_END = "<lumen_quad>", "</lumen_quad>"
NAME, NAME_END = "<lumen_ref>", "</lumen_ref>"
SPOT, LINE, ANSWER, CLOSE = "<|see|>", "<|row|>", "<|reply|>", "<|end|>"
PIECES = (SHEET, SHEET_END, LEGEND, SCALE, NAME, NAME_END, AREA, AREA_END, SPOT, LINE, ANSWER, CLOSE)
STEPS = 720
SILENT = -100


def ids_of_pieces(tokenizer):
    numbers = {piece: tokenizer.convert_tokens_to_ids(piece) for piece in PIECES}
    lost = [piece for piece, number in numbers.items() if number is None or number == tokenizer.unk_token_id]
    if not lost:
        return numbers
    raise ValueError("the tokenizer lacks " + ", ".join(lost))


def closing_ids(tokenizer):
    close = tokenizer.convert_tokens_to_ids(CLOSE)
    known = close != tokenizer.unk_token_id
    return [tokenizer.eos_token_id, close] if known else [tokenizer.eos_token_id]


def area_in_words(area, extent):
    across, down = extent
    numbers = []
    for corner, whole in zip(area, (across, down, across, down)):
        step = int(corner / whole * STEPS + 0.5)
        numbers.append("%03d" % max(0, min(STEPS, step)))
    return "{}{}{}".format(AREA, " ".join(numbers), AREA_END)


def areas_from_words(words, extent):
    across, down = extent
    areas = []
    for after in words.split(AREA)[1:]:
        inside, closed, _ = after.partition(AREA_END)
        numbers = inside.split()
        if closed and len(numbers) == 4 and all(number.isdigit() for number in numbers):
            a, b, c, d = (int(number) / STEPS for number in numbers)
            areas.append((a * across, b * down, c * across, d * down))
    return areas


def sheet_in_words(tokenizer, division, digests, number=None):
    """What stands for one sheet in the text: the overview, then its pieces line by line."""
    spots = tokenizer.unk_token * digests
    words = tokenizer.sheet_open + spots + tokenizer.sheet_close
    if number is not None:
        words = f"{tokenizer.number_open}{number:d}{tokenizer.number_close}" + words
    if division is not None:
        a, b = division
        line = (tokenizer.piece_open + spots + tokenizer.piece_close) * a
        words += "\n".join([line] * b)
    return words


def only_answers(ids, numbers):
    """What the model is taught: its own words and the end of them."""
    taught, answering = [], False
    for number in ids:
        if answering:
            taught.append(number)
        else:
            taught.append(SILENT)
        if number == numbers[ANSWER]:
            answering = True
        elif number == numbers[CLOSE]:
            answering = False
    return taught


def gazetteer_prompt(names, language="en", most=40):
    """Names that may stand on the sheet, the rarest letters first, so that a cut-off list keeps the telling ones."""
    counts = {}
    for name in names:
        for letter in set(name.lower()):
            counts[letter] = counts.get(letter, 0) + 1
    ranked = sorted(set(names), key=lambda name: (sum(counts[letter] for letter in set(name.lower())) / len(name), name))
    return f"[{language}] " + " · ".join(ranked[:most])
