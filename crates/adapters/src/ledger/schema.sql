-- Times are microseconds since 1970, UTC. Columns ending in _json hold the JSON of a Rust value.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    by            TEXT NOT NULL,
    approval_json TEXT,
    outcome_json  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started_at);

-- One row per object and run: the sum of its journal. Numbers are never used twice.
CREATE TABLE ops (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    run             TEXT NOT NULL REFERENCES runs (id),
    key             BLOB NOT NULL,
    reason_json     TEXT NOT NULL,
    facts_json      TEXT NOT NULL,
    hidden_json     TEXT,
    state           TEXT NOT NULL,
    hidden_at       INTEGER,
    quarantine_secs INTEGER NOT NULL,
    action          TEXT NOT NULL,
    copy_json       TEXT,
    horizons_json   TEXT,
    note            TEXT,
    changed_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX ops_by_state ON ops (state, id);
CREATE INDEX ops_by_run ON ops (run, id);
CREATE INDEX ops_by_hiding ON ops (hidden_at) WHERE hidden_at IS NOT NULL;

-- Everything that ever happened to an object, in order. Only ever appended to.
CREATE TABLE journal (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    op    INTEGER NOT NULL REFERENCES ops (id),
    event TEXT NOT NULL,
    at    INTEGER NOT NULL,
    note  TEXT
) STRICT;
CREATE INDEX journal_by_op ON journal (op, seq);
CREATE TRIGGER journal_is_final BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
