"""How a tile is written; one file an encoding."""
