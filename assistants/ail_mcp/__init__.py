"""`ail-mcp`: read-only tools for AI assistants, over stdio. Talks to the daemon as the client does."""
