"""Steps between versions of the store, one module each; a step that was released is never edited."""
