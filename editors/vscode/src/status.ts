// The status bar: whether the server runs, and how far a repository is being read.

import * as vscode from "vscode";
import { MISSING, type State } from "./supervising";

export interface IndexingStatus {
  repo: string;
  complete: boolean;
  text: string;
}

export class Status {
  private readonly item = vscode.window.createStatusBarItem("ail", vscode.StatusBarAlignment.Left, -10);
  private readonly indexing = new Map<string, string>();
  private state: State = "starting";
  private problem = "";

  constructor() {
    this.item.name = "AIL";
    this.draw();
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }

  /** Say how it is with the server. */
  setServer(state: State, problem: string): void {
    this.state = state;
    this.problem = problem;
    this.indexing.clear(); // of a server that is gone; a new one tells anew
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
    const isOff = this.state === "stopped" && this.problem !== "";
    const isBusy = this.state === "starting" && this.problem !== "";
    this.item.backgroundColor = isOff ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.item.text = isOff ? "$(warning) AIL" : isBusy ? "$(sync~spin) AIL" : first === undefined ? "$(history) AIL" : `$(sync~spin) AIL: ${first}`;
    const offer = isOff && this.problem !== MISSING ? "\nSelect to restart it." : "";
    this.item.tooltip = this.problem + offer || [...this.indexing].map(([repo, text]) => `${repo}: ${text}`).join("\n") || "Ask history";
    this.item.command = !isOff ? "ail.askRepository" : this.problem === MISSING ? "ail.begin" : "ail.restart";
  }
}
