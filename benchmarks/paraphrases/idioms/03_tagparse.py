import re

SEPARATOR = "<sep/>"
_OPENING = re.compile("<s_(.*?)>", re.I)


def _unwrap_single(items):
    return items[0] if len(items) == 1 else items


class MarkupReader:
    """Turns the flat tag language emitted by the decoder into nested python structures."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def _clean_leaf(self, piece, specials):
        piece = piece.strip()
        is_category = piece in specials and piece.startswith("<") and piece.endswith("/>")
        return piece[1:-2] if is_category else piece

    def decode(self, text, nested=False, specials=None):
        specials = self.tokenizer.get_added_vocab() if specials is None else specials
        fields = {}

        while text and (found := _OPENING.search(text)):
            opening, name = found.group(0), found.group(1)

            closing_match = re.search("</s_" + re.escape(name) + ">", text, flags=re.I)
            if not closing_match:
                # unbalanced tag: forget about it
                text = "".join(text.split(opening))
                continue
            closing = closing_match[0]

            inner = re.search(
                "{}(.*?){}".format(*map(re.escape, (opening, closing))), text, flags=re.I | re.S
            )
            if inner:
                body = inner[1].strip()
                if not ("<s_" in body and "</s_" in body):
                    fields[name] = _unwrap_single([self._clean_leaf(p, specials) for p in body.split(SEPARATOR)])
                elif children := self.decode(body, True, specials):
                    fields[name] = _unwrap_single(children)

            cut = text.find(closing) + len(closing)
            text = text[cut:].strip()

            if text.startswith(SEPARATOR):
                rest = self.decode(text[len(SEPARATOR) :], True, specials)
                return [fields, *rest]

        if nested:
            return [fields] if fields else []
        return fields or {"text_sequence": text}
