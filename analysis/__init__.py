"""Questions asked of the city.  One file per question."""
