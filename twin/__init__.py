"""The city as stored: model, frames, units, change feed, ingest.  The lowest room."""
