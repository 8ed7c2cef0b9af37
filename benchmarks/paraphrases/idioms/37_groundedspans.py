import re

_SEP = "</delimiter_of_multi_objects/>"
_NUMBER = re.compile(r"<patch_index_(\d+)>")
_BOX = r"<patch_index_\d+><patch_index_\d+>"
_GROUNDED = re.compile(
    rf"(?:<phrase>(?P<phrase>[^<]+)</phrase>)?<object>(?P<boxes>(?:{_BOX}{_SEP})*{_BOX})</object>"
)


def list_grounded_phrases(caption):
    """All (phrase, (start, end), boxes) triples of a caption; a box is a pair of patch numbers (corner to corner)."""

    def triples():
        for hit in _GROUNDED.finditer(caption):
            boxes = [tuple(int(num) for num in _NUMBER.findall(part)[:2]) for part in hit["boxes"].split(_SEP)]

            if hit["phrase"] is not None:
                yield hit["phrase"], hit.span("phrase"), boxes
                continue

            # objects without a phrase: one entry each, named after the box itself, with an empty span
            at = hit.start()
            yield from (("<patch_index_%d><patch_index_%d>" % box, (at, at), [box]) for box in boxes)

    return list(triples())
