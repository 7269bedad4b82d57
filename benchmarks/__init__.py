"""Benchmarks, each beside a peer in one run, equal content checked first."""
