import numpy as np


def collect(points, refusal, answerable, predictions):
    """Per scored question, in ascending order of the refusal probability: probability and change of the total."""
    order = [q for q in sorted(refusal, key=refusal.get) if q in points]
    answers = np.array([bool(answerable[q]) for q in order], dtype=bool)
    said_something = np.array([bool(predictions[q]) if not a else False for q, a in zip(order, answers)], dtype=bool)
    earned = np.array([points[q] for q in order], dtype=float)
    change = np.select([answers, said_something], [earned, -1.0], default=0.0)
    return np.array([refusal[q] for q in order]), change


def refusal_cutoff(predictions, points, refusal, answerable):
    """Best total over all cut-offs (percent), the cut-off, and the mean over the answerable questions.

    With a cut-off of zero every question is refused, which is right for the unanswerable ones.
    """
    level, change = collect(points, refusal, answerable, predictions)
    baseline = len(answerable) - sum(map(bool, answerable.values()))
    totals = np.concatenate(([baseline], baseline + np.cumsum(change)))
    peak = int(totals.argmax())
    cutoff = level[peak - 1] if peak else 0.0

    asked = [q for q in refusal if answerable[q]]
    mean = sum(points.get(q, 0) for q in asked) / len(asked)
    return 100.0 * totals[peak] / len(points), cutoff, mean
