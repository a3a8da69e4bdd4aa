-- One database per repository: the truth that the word index and the vectors are caches of. Run again when it has grown:
-- it may gain tables and indexes, but no column.
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('generation', '0'), ('documents', '0');

CREATE TABLE IF NOT EXISTS commits (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: caches may still know a removed one
  sha BLOB NOT NULL UNIQUE,
  parents BLOB NOT NULL,                -- shas, one after the other
  author TEXT NOT NULL, email TEXT NOT NULL,
  author_time INTEGER NOT NULL, author_offset_min INTEGER NOT NULL, commit_time INTEGER NOT NULL,
  message TEXT NOT NULL,
  text_hash BLOB NOT NULL               -- of what is embedded: the message
);
CREATE INDEX IF NOT EXISTS commits_by_text ON commits (text_hash);
CREATE INDEX IF NOT EXISTS commits_by_author_time ON commits (author_time);
CREATE INDEX IF NOT EXISTS commits_by_author ON commits (author, email);
CREATE INDEX IF NOT EXISTS commits_by_time ON commits (commit_time);
CREATE TABLE IF NOT EXISTS changes (commit_id INTEGER PRIMARY KEY, text BLOB NOT NULL); -- zlib; a row that is missing: not read yet

CREATE TABLE IF NOT EXISTS embeddings (text_hash BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID; -- float16

CREATE TABLE IF NOT EXISTS paths (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS touches (path_id INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (path_id, commit_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS touches_by_commit ON touches (commit_id);
CREATE TABLE IF NOT EXISTS renames (new_id INTEGER NOT NULL, old_id INTEGER NOT NULL, commit_id INTEGER NOT NULL,
  PRIMARY KEY (new_id, old_id, commit_id)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tips (ref BLOB PRIMARY KEY, sha BLOB NOT NULL) WITHOUT ROWID; -- what the index was last made equal to

-- Commits that no ref reaches any more, for as long as somebody may ask what became of them.
CREATE TABLE IF NOT EXISTS retired (
  sha BLOB PRIMARY KEY, email TEXT NOT NULL, author_time INTEGER NOT NULL, author_offset_min INTEGER NOT NULL,
  subject TEXT NOT NULL, patch BLOB NOT NULL, -- hash of its changed lines, empty where they were not read
  text_hash BLOB NOT NULL, retired_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS successors ( -- as git told the post-rewrite hook
  old BLOB PRIMARY KEY, new BLOB NOT NULL, told_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS skipped ( -- what could not be taken in, and is tried again by each update; see skipping.py
  sha BLOB NOT NULL, part TEXT NOT NULL, PRIMARY KEY (sha, part)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS mentions ( -- what messages say of other commits; see mentions.py
  key TEXT NOT NULL,                  -- the first 7 digits of the sha that is named, or a subject's key
  commit_id INTEGER NOT NULL,         -- who says it
  kind TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (key, commit_id, kind)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS mentions_by_commit ON mentions (commit_id);
CREATE INDEX IF NOT EXISTS mentions_of_merges ON mentions (target) WHERE kind = 'reverts_merge'; -- few, and asked of every citation
CREATE TABLE IF NOT EXISTS patches (  -- a few hashes of changed lines: the same for a change, its copies and its inverse
  key INTEGER NOT NULL, commit_id INTEGER NOT NULL, PRIMARY KEY (key, commit_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS patches_by_commit ON patches (commit_id);

CREATE TABLE IF NOT EXISTS passage_texts (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, text TEXT NOT NULL, worth INTEGER NOT NULL); -- by content
CREATE TABLE IF NOT EXISTS passages ( -- natural language in changed lines, with its place; written with a row of changes
  commit_id INTEGER NOT NULL, number INTEGER NOT NULL, text_id INTEGER NOT NULL, kind TEXT NOT NULL,
  path BLOB NOT NULL, line INTEGER NOT NULL, is_removed INTEGER NOT NULL,
  PRIMARY KEY (commit_id, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passages_by_text ON passages (text_id);

CREATE TABLE IF NOT EXISTS pull_requests ( -- what GitHub said of commits; number NULL: that there is none
  sha BLOB PRIMARY KEY, number INTEGER, title TEXT NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL,
  fetched_at INTEGER NOT NULL) WITHOUT ROWID;
