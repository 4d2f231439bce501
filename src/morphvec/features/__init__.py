"""Named blocks of columns (what a word is seen with) and parts (what a word is made of)."""
