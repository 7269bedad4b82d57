"""What can be looked at: the layer catalogue, and queries over it."""
