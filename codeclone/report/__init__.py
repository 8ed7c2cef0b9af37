"""Report -> html | text. Knows nothing of how the evidence was found."""
