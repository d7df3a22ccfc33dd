"""Messages: rules, templates, columns, rejects and encryption. It imports no other package of this project."""
