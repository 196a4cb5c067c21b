"""The command line, settings, reports and the sample practice: alone knows both sides."""
