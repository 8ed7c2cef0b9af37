def letters_per_piece(token_ids, pieces_per_row, space_to_left=False, pad=0, unknown=1, gap="▁"):
    """Count the characters each sub-word stands for, deciding which neighbour a separating blank belongs to."""
    counts = token_ids.new_zeros(token_ids.shape)
    lengths = (token_ids != pad).sum(dim=-1).tolist()

    def opens_word(piece):
        return len(piece) > 1 and piece.startswith(gap)

    def is_mark(piece):
        return len(piece) == 1 and not (piece.isalpha() or piece.isnumeric() or piece == gap)

    for row, size in enumerate(lengths):
        pieces = pieces_per_row[row][:size]
        blank_follows = [opens_word(nxt) for nxt in pieces[1:]] + [False]
        previous_mark = previous_blank = False

        for col, (number, piece) in enumerate(zip(token_ids[row, :size].tolist(), pieces)):
            if number == pad:
                break

            mark, blank = is_mark(piece), blank_follows[col]
            total = 1 if number == unknown else len(piece)

            if space_to_left:
                # the following blank is ours, our own leading blank belongs to the predecessor
                total += blank
                if number != unknown:
                    total -= previous_blank
            elif number != unknown:
                if mark and blank:
                    total += 1
                elif previous_mark and previous_blank:
                    total -= 1

            counts[row, col] = total
            previous_mark, previous_blank = mark, blank

    return counts
