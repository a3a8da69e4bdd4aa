"""`ail-lsp`: history's answers in any editor that speaks the Language Server Protocol. Talks to the daemon as the client does."""
