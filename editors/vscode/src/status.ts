// The status bar: whether the server runs, and how far a repository is being read.

import * as vscode from "vscode";

export interface IndexingStatus {
  repo: string;
  complete: boolean;
  text: string;
}

export class Status {
  private readonly item = vscode.window.createStatusBarItem("ail", vscode.StatusBarAlignment.Left, -10);
  private readonly indexing = new Map<string, string>();
  private problem = "";

  constructor() {
    this.item.name = "AIL";
    this.draw();
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }

  /** Say that the server cannot answer, "" that it can. */
  setProblem(problem: string): void {
    this.problem = problem;
    this.draw();
  }

  /** Show how the indexing of a repository goes on. */
  setIndexing(status: IndexingStatus): void {
    if (status.complete) {
      this.indexing.delete(status.repo);
    } else {
      this.indexing.set(status.repo, status.text);
    }
    this.draw();
  }

  private draw(): void {
    const [first] = this.indexing.values();
    this.item.backgroundColor = this.problem ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.item.text = this.problem ? "$(warning) AIL" : first === undefined ? "$(history) AIL" : `$(sync~spin) AIL: ${first}`;
    this.item.tooltip = this.problem || [...this.indexing].map(([repo, text]) => `${repo}: ${text}`).join("\n") || "Ask history";
    this.item.command = this.problem ? "ail.begin" : "ail.askRepository";
  }
}
