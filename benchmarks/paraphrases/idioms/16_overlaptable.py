from collections import defaultdict


class EndPhraseIndex:
    def build(self, vocabulary, ids, phrases):
        """
        For each phrase tell, for each token id, (1) at which offsets from the end of the phrase the token fits strictly
        inside of it and (2) by how many characters the token may overhang the end of the phrase.
        """
        inside = {p: defaultdict(list) for p in phrases}
        overhang = {p: defaultdict(list) for p in phrases}

        for phrase in inside:
            backwards = "".join(reversed(phrase))
            for text, number in zip(vocabulary, ids):
                mirrored = "".join(reversed(text))

                # token sticks out past the end of the phrase by `extra` characters
                for extra in range(len(text) - 1, -1, -1):
                    visible = mirrored[extra:]
                    common = backwards[: len(visible)]
                    if phrase and visible[: len(common)] == common:
                        overhang[phrase][number].append(len(common))

                # token ends `gap` characters before the end of the phrase
                gap = 1
                while gap < len(phrase):
                    covered = backwards[gap : gap + len(mirrored)]
                    if mirrored[: len(covered)] == covered:
                        inside[phrase][number].append(gap)
                    gap += 1

        as_plain = lambda table: {p: dict(hits) for p, hits in table.items()}
        return as_plain(inside), as_plain(overhang)
