"""Attach quotation marks, brackets and stops to the word they belong to."""
from dataclasses import dataclass
from functools import reduce


@dataclass
class Chunk:
    text: str
    ids: list
    places: list

    def __add__(self, other):
        return Chunk(self.text + other.text, self.ids + other.ids, self.places + other.places)


def glue_left(openers):
    def visit(done, chunk):
        opens = chunk.text[:1] == " " and chunk.text.strip() in openers
        if done and opens:
            return [chunk + done[0], *done[1:]]
        return [chunk, *done]

    return visit


def glue_right(closers):
    def visit(done, chunk):
        if done and done[-1].text[-1:] != " " and chunk.text in closers:
            return [*done[:-1], done[-1] + chunk]
        return [*done, chunk]

    return visit


def glue_marks(texts, ids, places, openers, closers):
    chunks = [Chunk(*parts) for parts in zip(texts, ids, places)]
    chunks = reduce(glue_left(openers), reversed(chunks), [])
    chunks = reduce(glue_right(closers), chunks, [])
    return (
        [c.text for c in chunks if c.text],
        [c.ids for c in chunks if c.ids],
        [c.places for c in chunks if c.places],
    )
