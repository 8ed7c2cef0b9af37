"""Turn the list of logged dictionaries of a run into a table for the report."""
from itertools import accumulate

TIMING = ("runtime", "samples_per_second", "steps_per_second")
NOT_IN_TABLE = {"total_flos", "epoch", "step", "eval_jit_compilation_time", *(f"eval_{t}" for t in TIMING)}
NOT_IN_SUMMARY = {*TIMING, "epoch", "step"}


def headline(words):
    return " ".join(w.capitalize() for w in words)


def position(records, key, last=False):
    hits = [n for n, record in enumerate(records) if key in record]
    if not hits:
        return None
    return hits[-1] if last else hits[0]


def table_row(record, train_loss):
    row = {"Training Loss": train_loss, "Epoch": record.get("epoch"), "Step": record.get("step")}
    for key in record:
        if key not in NOT_IN_TABLE:
            title = "Validation Loss" if key == "eval_loss" else headline(key.split("_")[1:])
            row[title] = record[key]
    return row


def table(records):
    losses = accumulate(records, lambda seen, r: r.get("loss", seen), initial="No log")
    next(losses)
    return [table_row(r, loss) for r, loss in zip(records, losses) if "eval_loss" in r]


def summary(record):
    short = {key.removeprefix("eval_"): value for key, value in record.items()}
    return {headline(key.split("_")): value for key, value in short.items() if key not in NOT_IN_SUMMARY}


def run_report(records):
    """Returns (closing record of the training, rows, final metrics); what is not there is None."""
    end = position(records, "train_runtime")
    final = position(records, "eval_loss", last=True)
    if end is None:
        return None, None, None if final is None else records[final]
    return records[end], table(records[:end]), summary(records[final]) if final else None
