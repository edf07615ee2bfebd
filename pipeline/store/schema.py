"""The store's tables: one script a schema version, applied in order; only store.py uses it."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE days (
        date TEXT NOT NULL, field TEXT NOT NULL, name TEXT NOT NULL, categories TEXT NOT NULL,
        source TEXT NOT NULL, PRIMARY KEY (date, field)
    ) STRICT;
    CREATE TABLE papers (
        arxiv_id TEXT NOT NULL, version INTEGER NOT NULL, paper TEXT NOT NULL,
        PRIMARY KEY (arxiv_id, version)
    ) STRICT;
    CREATE TABLE announced (
        date TEXT NOT NULL, field TEXT NOT NULL, arxiv_id TEXT NOT NULL, version INTEGER NOT NULL,
        announce TEXT NOT NULL, position INTEGER NOT NULL, stage TEXT, reason TEXT,
        PRIMARY KEY (date, field, arxiv_id)
    ) STRICT;
    CREATE TABLE summaries (
        seq INTEGER PRIMARY KEY, key TEXT NOT NULL, arxiv_id TEXT NOT NULL,
        version INTEGER NOT NULL, summary TEXT NOT NULL
    ) STRICT;
    CREATE INDEX summaries_by_paper ON summaries (arxiv_id, version);
    CREATE TABLE published (
        arxiv_id TEXT NOT NULL, version INTEGER NOT NULL,
        seq INTEGER NOT NULL REFERENCES summaries, PRIMARY KEY (arxiv_id, version)
    ) STRICT;
    CREATE TABLE replies (
        key TEXT NOT NULL, round INTEGER NOT NULL, attempt INTEGER NOT NULL,
        reply TEXT NOT NULL, reasons TEXT, PRIMARY KEY (key, round, attempt)
    ) STRICT;
    CREATE TABLE rounds (
        key TEXT PRIMARY KEY, closed INTEGER NOT NULL, refused INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY, command TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
        exit_status INTEGER, note TEXT
    ) STRICT;
    """,
    """
    ALTER TABLE days ADD COLUMN checked TEXT;
    CREATE TABLE quiet (
        date TEXT NOT NULL, field TEXT NOT NULL, PRIMARY KEY (date, field)
    ) STRICT;
    """,
    """
    CREATE TABLE spend (
        seq INTEGER PRIMARY KEY, at TEXT, model TEXT NOT NULL, tokens_in INTEGER NOT NULL,
        cached_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost REAL, sure INTEGER NOT NULL
    ) STRICT;
    INSERT INTO spend (model, tokens_in, cached_in, tokens_out, cost, sure)
        SELECT json_extract(reply, '$.model'), json_extract(reply, '$.tokens_in'), 0,
            json_extract(reply, '$.tokens_out'), json_extract(reply, '$.cost'), 1
            FROM replies WHERE json_valid(reply);
    CREATE TABLE endpoints (
        address TEXT NOT NULL, model TEXT NOT NULL, known TEXT NOT NULL,
        PRIMARY KEY (address, model)
    ) STRICT;
    CREATE TABLE batches (
        file TEXT PRIMARY KEY, id TEXT, address TEXT NOT NULL, model TEXT NOT NULL,
        sent TEXT NOT NULL, settled INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE batched (
        file TEXT NOT NULL REFERENCES batches, key TEXT NOT NULL, round INTEGER NOT NULL,
        attempt INTEGER NOT NULL, temperature REAL, PRIMARY KEY (file, key, round, attempt)
    ) STRICT;
    """,
    """
    CREATE TABLE canary (
        date TEXT NOT NULL, prompt_hash TEXT NOT NULL, model TEXT NOT NULL, arxiv_id TEXT NOT NULL,
        line TEXT, valid_first INTEGER NOT NULL, content_chrf REAL NOT NULL, chrf REAL NOT NULL,
        length INTEGER NOT NULL, sameness REAL, PRIMARY KEY (date, prompt_hash, model, arxiv_id)
    ) STRICT;
    """,
    """
    CREATE TABLE told (
        date TEXT NOT NULL, field TEXT NOT NULL, done TEXT NOT NULL, owed TEXT NOT NULL,
        PRIMARY KEY (date, field)
    ) STRICT;
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY, created TEXT NOT NULL, about TEXT NOT NULL, failure TEXT,
        title TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE deliveries (
        message INTEGER NOT NULL REFERENCES messages, target TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, error TEXT, PRIMARY KEY (message, target)
    ) STRICT;
    """,
    """
    CREATE INDEX announced_by_paper ON announced (arxiv_id, version);
    CREATE INDEX published_by_summary ON published (seq);
    """,
    """
    CREATE TABLE inquiries (
        key TEXT PRIMARY KEY, summary TEXT NOT NULL, origin TEXT NOT NULL
    ) STRICT;
    CREATE INDEX inquiries_by_summary ON inquiries (summary);
    """,
    """
    ALTER TABLE announced ADD COLUMN cause TEXT;
    UPDATE announced SET cause = CASE stage WHEN 'validate' THEN 'rules' ELSE 'other' END
        WHERE stage IS NOT NULL;
    CREATE TABLE run_days (
        run INTEGER NOT NULL REFERENCES runs, date TEXT NOT NULL, field TEXT NOT NULL,
        announced INTEGER NOT NULL, done INTEGER NOT NULL, owed INTEGER NOT NULL,
        PRIMARY KEY (run, date, field)
    ) STRICT;
    """,
)
"""PRAGMA user_version counts those that a file has had."""
