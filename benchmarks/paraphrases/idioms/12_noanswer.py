from itertools import accumulate


def tune_null_cutoff(answers, points, null_probability, answerable):
    """Sweep the no-answer cut-off; gives the best score (percent), its cut-off and the mean over answerable ones."""
    order = sorted(null_probability, key=null_probability.get)
    scored = [q for q in order if q in points]

    def gain(q):
        if answerable[q]:
            return points[q]
        return -1 if answers[q] else 0

    baseline = sum(not flag for flag in answerable.values())
    running = accumulate(map(gain, scored), initial=baseline)

    top, cutoff = next(running), 0.0
    for q, value in zip(scored, running):
        if value > top:
            top, cutoff = value, null_probability[q]

    positives = [q for q in order if answerable[q]]
    positive_total = sum(points.get(q, 0) for q in positives)

    return top * 100.0 / len(points), cutoff, float(positive_total) / len(positives)
