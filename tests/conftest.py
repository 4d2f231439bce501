"""Stands here so that every folder of tests can ``import naive``: pytest puts this folder on the path."""
