"""Event stream to note list."""
import numpy as np


class EndOfStream(Exception):
    pass


class NoteRoll:
    def __init__(self, pitches, start, limit, loudness):
        self.open = {}
        self.pitches = pitches
        self.clock = start
        self.limit = limit
        self.loudness = loudness
        self.velocity = 0
        self.rows = []

    def on_special(self, n):
        if n == 1:
            raise EndOfStream

    def on_time(self, n):
        moved = self.clock + n
        self.clock = moved if self.limit is None else min(moved, self.limit)

    def on_velocity(self, n):
        self.velocity = n

    def on_note(self, pitch):
        begin = self.open.get(pitch)
        if begin is None:
            self.open[pitch] = self.clock
        elif begin < self.clock:
            self._emit(begin, self.clock, pitch)
            if self.velocity == 0:
                del self.open[pitch]
            else:
                # a second onset closes the first and starts anew
                self.open[pitch] = self.clock

    def _emit(self, begin, end, pitch):
        self.rows.append((begin, end, pitch, self.loudness))

    def close(self):
        for pitch in sorted(self.open):
            begin = self.open[pitch]
            ends = [begin + 1, self.clock]
            if self.limit is not None:
                ends.append(self.limit)
            self._emit(begin, max(ends), pitch)
        self.open.clear()


def roll_out(ids, describe, pitches, start, limit=None, loudness=77):
    """describe(id) gives the pair (kind, number). Result: rows (begin, end, pitch, velocity) in time order."""
    roll = NoteRoll(pitches, start, limit, loudness)
    handlers = {
        "TOKEN_SPECIAL": roll.on_special,
        "TOKEN_TIME": roll.on_time,
        "TOKEN_VELOCITY": roll.on_velocity,
        "TOKEN_NOTE": roll.on_note,
    }
    try:
        for kind, number in map(describe, ids):
            if kind not in handlers:
                raise ValueError(f"unknown event {kind!r}")
            handlers[kind](number)
    except EndOfStream:
        pass
    roll.close()
    roll.rows.sort(key=lambda r: r[0] * 128 + r[1])
    return np.array(roll.rows) if roll.rows else []
