"""Migrations of the city's tables (Alembic)."""
