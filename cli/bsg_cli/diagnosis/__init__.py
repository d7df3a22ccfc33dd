"""What `doctor` looks at, by subject; each yields findings and changes nothing."""
