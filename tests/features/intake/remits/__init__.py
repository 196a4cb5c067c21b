"""The 835 reader."""
