"""Text -> fragments and value graphs."""
