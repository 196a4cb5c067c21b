"""The table of scores as `recoup score` writes it, to be read like any other table."""

from __future__ import annotations

from features.tables import Column, Kind, Table

_LONGEST_REASONS = 100_000

SCORES = Table(
    "scores",
    "one row per write-off",
    ("writeoff_id",),
    (
        Column("writeoff_id", Kind.ID, "the posting", nullable=False),
        Column("rank", Kind.INT, "place in the order, 1 first"),
        Column("in_scope", Kind.BOOL, "a payer may still owe it", nullable=False),
        Column("category", Kind.TEXT, "what it is", nullable=False),
        Column("family", Kind.TEXT, "family of its reason"),
        Column("remedy", Kind.TEXT, "what to do", nullable=False),
        Column("recovery_probability", Kind.NUMBER, "chance of a recovery", nullable=False, minimum=0.0),
        Column("recoverable_amount", Kind.MONEY, "dollars at stake"),
        Column("amount_if_recovered", Kind.MONEY, "dollars if recovered"),
        Column("amount_if_recovered_low", Kind.MONEY, "its low end"),
        Column("amount_if_recovered_high", Kind.MONEY, "its high end"),
        Column("expected_recovery", Kind.MONEY, "dollars expected", nullable=False),
        Column("expected_hours", Kind.NUMBER, "hours of the item", minimum=0.0),
        Column("expected_net_recovery", Kind.MONEY, "dollars net of the work"),
        Column("value_per_hour", Kind.MONEY, "net dollars per hour"),
        Column("anomaly_score", Kind.NUMBER, "how unusually low the posting is", minimum=0.0),
        Column("usual_allowed_amount", Kind.MONEY, "dollars that the payer usually allows"),
        Column("underpayment_amount", Kind.MONEY, "dollars paid below contract"),
        Column("deadline_date", Kind.DATE, "last day"),
        Column("days_left", Kind.INT, "days until then"),
        Column("deadline_source", Kind.TEXT, "who says so"),
        Column("work_item_id", Kind.ID, "claim and remedy", nullable=False),
        Column("reasons", Kind.ID, "why, as JSON", longest=_LONGEST_REASONS),
        Column("model_version", Kind.TEXT, "the model", nullable=False),
        Column("as_of", Kind.DATE, "the morning", nullable=False),
    ),
)
"""Columns as in `models.scores.SCORE_COLUMNS`; a test compares the two."""
