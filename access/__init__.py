"""Who may do what: roles, API keys, and the one permission class that denies by default. Imports no other app."""
