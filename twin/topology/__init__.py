"""Topology of pipe networks, built and reported: arrays in, findings out.

`examine` joins the ends of pipes, says how each hangs, and checks the network.  No database, no
frame: metres in the plane, and heights where they are known.
"""

from twin.topology.found import CHECKS, RULES, Found, Rule
from twin.topology.network import KINDS, Network, Nodes, Segments
from twin.topology.report import Report, Tolerances, examine, warm

__all__ = [
    "CHECKS",
    "KINDS",
    "RULES",
    "Found",
    "Network",
    "Nodes",
    "Report",
    "Rule",
    "Segments",
    "Tolerances",
    "examine",
    "warm",
]
