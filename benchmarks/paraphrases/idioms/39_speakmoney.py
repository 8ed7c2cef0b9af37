def amount_to_words(found) -> str:
    """Spell out the amount captured by a '$...' regex match: '3.01' becomes '3 dollars, 1 cent'."""
    amount = found[1]
    if amount.count(".") > 1:
        # no idea what this is
        return f"{amount} dollars"

    whole, _, fraction = amount.partition(".")
    spoken = []
    for digits, unit in ((whole, "dollar"), (fraction, "cent")):
        number = int(digits or 0)
        if number:
            plural = "" if number == 1 else "s"
            spoken.append(f"{number} {unit}{plural}")

    return ", ".join(spoken) or "zero dollars"
