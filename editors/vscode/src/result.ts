// What the server returns from its commands, as `ail_lsp/results.py` makes it; and what a view shows of it. Knows no editor.

export interface Citation {
  sha: string;
  short: string;
  subject: string;
  author: string;
  when: string;
  path: string | null;
  line: number | null;
  excerpt: string;
  url: string;
  uri: string;
  fate: string;
  pullRequest: string;
  pullRequestUrl: string;
  relation: string;
}

export interface Result {
  question: string;
  place: string;
  repo: string;
  isOfChange: boolean;
  outcome: string;
  answer: string;
  sureness: string;
  origin: string;
  citations: Citation[];
  companions: string[];
  notes: string[];
  error: { message: string; hint: string } | null;
  markdown: string;
}

/** A line of the view: its label, what stands dimly behind it, its icon, the lines below it. */
export interface Node {
  label: string;
  description?: string;
  icon: string;
  citation?: Citation;
  place?: { path: string; line: number };
  children: Node[];
}

/** Whether *value* is a result that can be shown. */
export function isResult(value: unknown): value is Result {
  const one = value as Partial<Result> | null;
  return typeof one === "object" && one !== null && typeof one.markdown === "string" && Array.isArray(one.citations);
}

/** Return what stands above the list: the answer and how sure it is, or what went wrong. */
export function getMessage(result: Result): string {
  if (result.error) {
    return [result.error.message, result.error.hint].filter(Boolean).join(" — ");
  }
  return [result.answer, result.sureness, ...result.notes].filter(Boolean).join("\n");
}

/** Return the lines of the view. */
export function makeNodes(result: Result): Node[] {
  const cited = result.citations.map((citation) => makeCitation(citation));
  const missing = result.companions.map((text) => ({ label: text, icon: "files", children: [] }));
  return [...cited, ...missing];
}

function makeCitation(citation: Citation): Node {
  const children: Node[] = [{ label: citation.when, description: citation.author, icon: "calendar", children: [] }];
  if (citation.relation) {
    children.unshift({ label: citation.relation, icon: "git-compare", children: [] });
  }
  if (citation.fate) {
    children.push({ label: citation.fate, icon: "warning", children: [] });
  }
  if (citation.pullRequest) {
    children.push({ label: citation.pullRequest, icon: "git-pull-request", children: [] });
  }
  if (citation.path) {
    const line = citation.line ?? 1;
    const place = { path: citation.path, line };
    children.push({ label: citation.path, description: citation.line ? `line ${line}` : "", icon: "file", place, children: [] });
  }
  return { label: citation.subject, description: citation.short, icon: "git-commit", citation, children };
}

/**
 * Return the line, from 0, of *text* (a commit as `git show` prints it) at which *path* gets the line *code*, else at which it
 * is changed around *line* of the new side, else where its part begins; 0 where the path is not changed.
 */
export function findHunk(text: string, path: string | null, line: number | null, code = ""): number {
  const lines = text.split("\n");
  const begin = path === null ? -1 : lines.findIndex((one) => one === `+++ b/${path}` || one === `--- a/${path}`);
  if (begin < 0) {
    return 0;
  }
  const next = lines.findIndex((one, at) => at > begin && one.startsWith("diff --git "));
  const part = lines.slice(0, next < 0 ? lines.length : next);
  const exact = code.trim() ? part.findIndex((one, at) => at > begin && one.startsWith("+") && one.slice(1).trim() === code.trim()) : -1;
  return exact >= 0 ? exact : findNearest(part, begin, line);
}

function findNearest(lines: string[], begin: number, line: number | null): number {
  let best = begin;
  for (let at = begin; at < lines.length; at += 1) {
    const head = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@/.exec(lines[at] ?? "");
    if (!head) {
      continue;
    }
    const first = Number(head[1]);
    const count = head[2] === undefined ? 1 : Number(head[2]);
    if (best === begin || (line !== null && first <= line)) {
      best = at;
    }
    if (line !== null && first <= line && line < first + Math.max(count, 1)) {
      return at;
    }
  }
  return best;
}
