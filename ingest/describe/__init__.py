"""What a resource is, in documents that machines read: pure, from a `Resource` alone."""
