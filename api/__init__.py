"""HTTP and the command line: the only room that knows them, and the environment."""
