"""Looking at a model: what a page shows, and the page."""
