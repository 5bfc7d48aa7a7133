"""Tells other systems what was seen: `events` says what and to whom, `delivering` when, `posting` how."""
