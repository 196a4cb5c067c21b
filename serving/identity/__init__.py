"""People, programs and their sessions: who somebody is, before `serving.access` says what they may."""
