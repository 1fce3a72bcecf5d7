"""Imported by lerobot, never called here."""
