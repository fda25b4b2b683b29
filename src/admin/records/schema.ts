/** Schema of the admin's records, as numbered steps: a file of version n is brought up by the steps after n. */
export const RECORD_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    last_used_ms INTEGER,
    revoked_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT;
  CREATE INDEX audit_by_target ON audit (target);

  CREATE TABLE group_version (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    comment TEXT,
    xml TEXT,
    PRIMARY KEY (key, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE group_document (
    key TEXT PRIMARY KEY,
    uri TEXT NOT NULL,
    display_name TEXT,
    source TEXT,
    version INTEGER NOT NULL,
    etag TEXT NOT NULL,
    xml TEXT NOT NULL,
    updated_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE policy_version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    comment TEXT,
    body TEXT NOT NULL,
    activated_ms INTEGER
  ) STRICT;

  CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    events TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE webhook_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL,
    last_error TEXT
  ) STRICT;
  CREATE INDEX webhook_delivery_by_next ON webhook_delivery (next_ms);

  CREATE TABLE feed_position (
    reader TEXT PRIMARY KEY,
    decision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  DROP TABLE group_version;
  DROP TABLE group_document;

  -- seq numbers the changes of all groups, so that a reader can ask what is new since it looked.
  CREATE TABLE group_version (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    comment TEXT,
    etag TEXT,
    xml TEXT,
    PRIMARY KEY (key, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE group_document (
    key TEXT PRIMARY KEY,
    uri TEXT NOT NULL,
    display_name TEXT,
    members INTEGER NOT NULL,
    max_participants INTEGER,
    invite_members INTEGER NOT NULL,
    origin TEXT,
    xcap_path TEXT UNIQUE,
    version INTEGER NOT NULL,
    etag TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    search TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_document_by_origin ON group_document (origin) WHERE origin IS NOT NULL;
  `,
  `
  -- The newest entry says what is in force; version 0 is the configuration alone.
  CREATE TABLE policy_activation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE session_record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX session_record_by_address ON session_record (address);
  CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook, id);
  `,
  // Switches that were added while the focus runs, besides those of its configuration.
  `
  CREATE TABLE added_switch (
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (host, port)
  ) STRICT, WITHOUT ROWID;
  `,
];
