"""Lines that no night of this store made: published, with what they cost."""

from __future__ import annotations

from pipeline.records import Summary
from pipeline.store.spending import Spend
from pipeline.store.store import Store


def adopt(store: Store, summary: Summary) -> bool:
    """Publish a line from elsewhere; whether the store had not heard of it. Raises OutputError."""
    new = store.summaries.adopt(summary)
    if new:
        made = summary.provenance
        store.spending.add(
            Spend(
                at=made.created,
                model=made.model,
                tokens_in=made.tokens_in,
                tokens_out=made.tokens_out,
                cost=made.cost,
            )
        )
    return new
