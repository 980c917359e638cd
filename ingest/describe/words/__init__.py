"""The fields of a resource and their rules, in sentences that people read."""
