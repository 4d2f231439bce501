"""Any character of Unicode, for tests by hypothesis.

Not ``st.characters``: it begins with a table of the categories of all code points, which takes seconds in each process.
"""

from __future__ import annotations

from hypothesis import strategies as st

# No surrogates; half of them from the alphabets near the beginning, as in texts.
ANY = (st.integers(0, 0x2FF) | st.integers(0, 0xD7FF) | st.integers(0xE000, 0x10FFFF)).map(chr)
