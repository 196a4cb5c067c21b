"""Reports for people, made from the JSON results that programs read."""
