"""The checks of `doctor`, by subject. Each yields findings and changes nothing."""
