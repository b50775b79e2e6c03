-- What a service keeps between its calls. Times are microseconds since 1970, UTC.

-- Plans that wait for somebody, in the order in which they were kept. The body is the plan's JSON, compressed (zstd);
-- the outline is what lists tell of it, so that they need not read the body.
CREATE TABLE plans (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    by            TEXT NOT NULL,
    hash          TEXT NOT NULL,
    format        INTEGER NOT NULL,
    outline_json  TEXT NOT NULL,
    approval_json TEXT,
    body          BLOB NOT NULL
) STRICT;

-- Requests that may be repeated, and the run that each started.
CREATE TABLE requests (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    run         TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (at);

-- The newest time of the schedule that somebody claimed.
CREATE TABLE schedule (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    slot INTEGER NOT NULL
) STRICT;
