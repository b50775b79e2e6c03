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
CREATE INDEX ops_by_key ON ops (key, id);
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
CREATE INDEX journal_by_time ON journal (at);
CREATE TRIGGER journal_is_final BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- What people want kept. A released hold stays here, so that its number is never used twice.
CREATE TABLE holds (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    target_json TEXT NOT NULL,
    by          TEXT NOT NULL,
    why         TEXT NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER,
    released_at INTEGER,
    released_by TEXT
) STRICT;
CREATE INDEX holds_not_released ON holds (id) WHERE released_at IS NULL;

-- Since when a file, in this very incarnation, is known to stand there.
CREATE TABLE sightings (
    key         BLOB PRIMARY KEY,
    incarnation TEXT NOT NULL,
    first_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last good survey. The fingerprints stand apart: they are long, and seldom change.
CREATE TABLE baseline (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    at         INTEGER NOT NULL,
    run        TEXT NOT NULL,
    missing    INTEGER NOT NULL,
    live_files INTEGER NOT NULL
) STRICT;
CREATE TABLE baseline_live (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    prints BLOB NOT NULL
) STRICT;

-- The audit trail: a record's line without its hash, and the hash over it, which the next line names.
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
-- The last record that was pruned: what is left continues it, and nothing after it may be deleted.
CREATE TABLE audit_anchor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_only_grows BEFORE INSERT ON audit WHEN NEW.seq <= (SELECT max(seq) FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is final'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit WHEN OLD.seq > coalesce((SELECT seq FROM audit_anchor), 0)
BEGIN SELECT RAISE(ABORT, 'the audit trail is kept: only what lies before its anchor may go'); END;
-- An anchor stands on a record that is still there, and is not the newest.
CREATE TRIGGER audit_anchor_is_laid BEFORE INSERT ON audit_anchor
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash AND seq < (SELECT max(seq) FROM audit))
BEGIN SELECT RAISE(ABORT, 'the anchor must be a record that is not the newest'); END;
CREATE TRIGGER audit_anchor_is_moved BEFORE UPDATE ON audit_anchor
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash AND seq < (SELECT max(seq) FROM audit))
BEGIN SELECT RAISE(ABORT, 'the anchor must be a record that is not the newest'); END;
CREATE TRIGGER audit_anchor_stays BEFORE DELETE ON audit_anchor
BEGIN SELECT RAISE(ABORT, 'the anchor of the audit trail stays'); END;
