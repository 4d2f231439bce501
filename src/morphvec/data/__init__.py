"""Small files that travel with the package."""
