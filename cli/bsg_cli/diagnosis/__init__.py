"""What `doctor` looks at, by subject; each answers findings and changes nothing."""
