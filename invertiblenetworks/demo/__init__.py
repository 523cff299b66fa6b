"""The example that ``python -m invertiblenetworks`` runs: Glow on photographs.

Nothing in the package imports this folder.
"""
