"""Pure reading of text: terms, prose, passages of messages and diffs, reasons, what a message says of others, and secrets."""
