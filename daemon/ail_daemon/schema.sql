-- One database per repository: the truth that the word index and the vectors are caches of.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE commits (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: caches may still know a removed one
  sha BLOB NOT NULL UNIQUE,
  parents BLOB NOT NULL,                -- shas, one after the other
  author TEXT NOT NULL, email TEXT NOT NULL,
  author_time INTEGER NOT NULL, author_offset_min INTEGER NOT NULL, commit_time INTEGER NOT NULL,
  message TEXT NOT NULL,
  text_hash BLOB NOT NULL               -- of what is embedded: the message
);
CREATE INDEX commits_by_text ON commits (text_hash);
CREATE INDEX commits_by_time ON commits (commit_time);
CREATE INDEX IF NOT EXISTS commits_by_author ON commits (author, email);
CREATE TABLE changes (commit_id INTEGER PRIMARY KEY, text BLOB NOT NULL); -- zlib; a row that is missing: not read yet

CREATE TABLE embeddings (text_hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID; -- float16

CREATE TABLE paths (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE touches (path_id INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (path_id, commit_id)) WITHOUT ROWID;
CREATE INDEX touches_by_commit ON touches (commit_id);
CREATE TABLE renames (new_id INTEGER NOT NULL, old_id INTEGER NOT NULL, commit_id INTEGER NOT NULL,
  PRIMARY KEY (new_id, old_id, commit_id)) WITHOUT ROWID;

CREATE TABLE tips (ref BLOB PRIMARY KEY, sha BLOB NOT NULL) WITHOUT ROWID; -- what the index was last made equal to

CREATE TABLE IF NOT EXISTS mentions ( -- what messages say of other commits; see mentions.py
  key TEXT NOT NULL,                  -- the first 7 digits of the sha that is named, or a subject's key
  commit_id INTEGER NOT NULL,         -- who says it
  kind TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (key, commit_id, kind)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mentions_by_commit ON mentions (commit_id);
CREATE TABLE IF NOT EXISTS patches (  -- a few hashes of changed lines: the same for a change, its copies and its inverse
  key INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (key, commit_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS patches_by_commit ON patches (commit_id);
