/** Schema of the SQLite store, as numbered steps: a store of version n is brought up by the steps after n. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE conference (
    id TEXT PRIMARY KEY,
    group_key TEXT,
    phase TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX one_session_per_group ON conference (group_key) WHERE group_key IS NOT NULL;
  CREATE INDEX conference_by_phase ON conference (phase);

  CREATE TABLE conference_row (
    conference TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (conference, kind, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    conference TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    call_id TEXT,
    user TEXT,
    clause TEXT NOT NULL,
    status INTEGER,
    session TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX decision_by_call ON decision (call_id) WHERE call_id IS NOT NULL;
  CREATE INDEX decision_by_session ON decision (session) WHERE session IS NOT NULL;
  `,
  // For whoever reads along: the newest sessions first, the sessions of a user, the domain events of a decision.
  `
  ALTER TABLE conference ADD COLUMN created_ms INTEGER GENERATED ALWAYS AS (json_extract(body, '$.createdMs')) VIRTUAL;
  CREATE INDEX conference_by_created ON conference (created_ms DESC, id);

  CREATE TABLE participant_key (
    key TEXT NOT NULL,
    conference TEXT NOT NULL,
    PRIMARY KEY (key, conference)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX participant_key_by_conference ON participant_key (conference);
  INSERT OR IGNORE INTO participant_key
    SELECT each.value, row.conference FROM conference_row AS row, json_each(row.body, '$.keys') AS each
    WHERE row.kind = 'participant';
  CREATE TRIGGER participant_key_kept AFTER INSERT ON conference_row WHEN new.kind = 'participant' BEGIN
    INSERT OR IGNORE INTO participant_key SELECT value, new.conference FROM json_each(new.body, '$.keys');
  END;
  CREATE TRIGGER participant_key_dropped AFTER DELETE ON conference BEGIN
    DELETE FROM participant_key WHERE conference = old.id;
  END;
  `,
  // What has passed through the switch, told when it lets go of the session.
  `
  ALTER TABLE conference ADD COLUMN traffic TEXT;
  `,
];
