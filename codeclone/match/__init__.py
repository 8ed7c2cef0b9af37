"""Pure algorithms on arrays, sets and graphs: no files, no clock, no unseeded randomness."""
