// Virtual documents: answers as Markdown pages, commits as the server has them. Both under the scheme `ail`.

import * as vscode from "vscode";
import type { Result } from "./result";

export const SCHEME = "ail";
const KEPT = 20;

export class Pages implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly originals = new Map<string, string>();
  private count = 0;

  /** read: returns the text of a commit's document, or throws a sentence. */
  constructor(private readonly read: (uri: string, token: vscode.CancellationToken) => Promise<string>) {}

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const text = this.texts.get(uri.toString());
    if (text !== undefined) {
      return text;
    }
    return this.read(this.originals.get(uri.toString()) ?? uri.toString(true), token);
  }

  /** Return the URI of a commit's document. VS Code spells addresses anew; the server gets the one that it made. */
  getCommit(original: string): vscode.Uri {
    const uri = vscode.Uri.parse(original);
    this.originals.set(uri.toString(), original);
    return uri;
  }

  /** Keep the page of *result*, return its URI. */
  keep(result: Result): vscode.Uri {
    this.count += 1;
    const uri = vscode.Uri.from({ scheme: SCHEME, authority: "why", path: `/${this.count}/Why.md` });
    this.texts.set(uri.toString(), result.markdown);
    for (const old of [...this.texts.keys()].slice(0, -KEPT)) {
      this.texts.delete(old);
    }
    return uri;
  }
}
