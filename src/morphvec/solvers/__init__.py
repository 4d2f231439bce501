"""Problems over arrays and the ways to solve them. No word is known on this floor."""
