"""What nobody can beat: loops that leave out everything but the one thing that has to be done."""
