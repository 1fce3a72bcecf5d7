"""Closed-loop evaluation, its statistics, and the pages that show them."""
