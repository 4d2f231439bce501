"""Where blocks of work run: threads of this process today, workers of a cluster behind the same two verbs."""
