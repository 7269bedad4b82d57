"""Cities made by us: a demonstration city that looks like one, and a tiny town known by heart."""
