"""Scoring for people and programs: the loaded model, batch files, the API and the pages."""
