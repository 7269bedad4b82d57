"""One file a layer, called after its table; each defines ``LAYER``."""
