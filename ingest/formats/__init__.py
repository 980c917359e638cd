"""Request bodies into items: one codec a file, and what the headers say about both directions."""
