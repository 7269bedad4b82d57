"""The city as pictures can use it: vector tiles."""
