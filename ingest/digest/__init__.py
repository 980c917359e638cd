"""Why the items of a batch failed: groups, causes that are proven on them, and remedies. Pure."""
