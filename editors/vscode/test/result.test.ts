import assert from "node:assert/strict";
import { test } from "node:test";
import { findHunk, getMessage, isResult, makeNodes, type Citation, type Result } from "../src/result";

const CITATION: Citation = {
  sha: "4f1c2d9e".repeat(5), short: "4f1c2d9e4f", subject: "Retry once", author: "Jane Doe", when: "2026-05-04 (6 months ago)",
  path: "src/http.py", line: 121, excerpt: "Proxies drop idle connections.", url: "", uri: "ail://commit/4f1c", fate: "",
  pullRequest: "", pullRequestUrl: "", relation: "",
};
const RESULT: Result = {
  question: "Why is this so?", place: "src/http.py:121", repo: "/r", isOfChange: false, outcome: "answered",
  answer: "Proxies drop idle connections. (4f1c2d9e4f)", sureness: "(very likely: 83%)", origin: "", citations: [CITATION],
  companions: [], notes: [], error: null, markdown: "# Why",
};

test("the message is the answer, how sure it is, and what limits it", () => {
  assert.equal(getMessage({ ...RESULT, notes: ["indexing 40 %"] }), `${RESULT.answer}\n(very likely: 83%)\nindexing 40 %`);
});

test("an error's message says what happened and what to do", () => {
  const error = { message: "no daemon listens", hint: "start one" };
  assert.equal(getMessage({ ...RESULT, error }), "no daemon listens — start one");
});

test("a citation is its subject, with when, who, place, pull request and fate below it", () => {
  const cited = { ...CITATION, fate: "reverted by cccccccccc", pullRequest: "#7 Retry", relation: "is taken back" };
  const [node] = makeNodes({ ...RESULT, citations: [cited] });
  assert.equal(node?.label, "Retry once");
  assert.equal(node?.description, "4f1c2d9e4f");
  assert.deepEqual(node?.children.map((child) => child.icon), ["git-compare", "calendar", "warning", "git-pull-request", "file"]);
  assert.deepEqual(node?.children.at(-1)?.place, { path: "src/http.py", line: 121 });
});

test("files that usually change too stand behind the commits", () => {
  const labels = makeNodes({ ...RESULT, companions: ["a.py usually changes with b.py: 8 of 10 times"] }).map((node) => node.label);
  assert.deepEqual(labels, ["Retry once", "a.py usually changes with b.py: 8 of 10 times"]);
});

test("only a result is taken for one", () => {
  assert.ok(isResult(RESULT));
  for (const other of [null, undefined, 1, "x", {}, { error: null }, { markdown: 1, citations: [] }]) {
    assert.equal(isResult(other), false);
  }
});

const SHOWN = [
  "commit 4f1c", "", "    Retry once", "", "diff --git a/a.py b/a.py", "--- a/a.py", "+++ b/a.py", "@@ -1 +1 @@", "-x", "+y",
  "diff --git a/src/http.py b/src/http.py", "--- a/src/http.py", "+++ b/src/http.py", "@@ -3,0 +4,2 @@ def f():", "+    one",
  "+    two", "@@ -50 +60 @@", "-old", "+new", "diff --git a/z.py b/z.py", "--- a/z.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-    two",
].join("\n");

test("a peek opens at the line itself, else at the hunk that has it or comes before it, else at the file", () => {
  const line = (path: string | null, number: number | null, code = "") => SHOWN.split("\n")[findHunk(SHOWN, path, number, code)];
  assert.equal(line("src/http.py", 999, "two  "), "+    two");
  assert.equal(line("src/http.py", 60), "@@ -50 +60 @@");
  assert.equal(line("src/http.py", 30), "@@ -3,0 +4,2 @@ def f():");
  assert.equal(line("src/http.py", null), "@@ -3,0 +4,2 @@ def f():");
  assert.equal(line("a.py", 1, "two"), "@@ -1 +1 @@", "another file's line is none of this file's");
  assert.equal(line("z.py", 1), "@@ -1 +0,0 @@");
  assert.equal(findHunk(SHOWN, "none.py", 1), 0);
  assert.equal(findHunk(SHOWN, null, 1), 0);
});
