"""One page per method: its association, loss, penalties and solver. No loop lives here."""
