"""Pure reading of text: terms, prose, reasons, what a message says of others, and secrets taken out."""
