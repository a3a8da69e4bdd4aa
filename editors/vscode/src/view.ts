// The view "Why": the last answer, its commits as a tree.

import * as vscode from "vscode";
import { getMessage, makeNodes, type Node, type Result } from "./result";

export class WhyView implements vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly tree: vscode.TreeView<Node>;
  private nodes: Node[] = [];
  private problem = "";
  result: Result | undefined;

  constructor() {
    this.tree = vscode.window.createTreeView("ailWhy", { treeDataProvider: this, showCollapseAll: true });
  }

  dispose(): void {
    this.tree.dispose();
    this.changed.dispose();
  }

  /** Show *result*; the view is brought up, the focus stays where it is. */
  async show(result: Result): Promise<void> {
    this.result = result;
    this.nodes = makeNodes(result);
    this.setProblem(this.problem);
    this.tree.description = result.place;
    this.changed.fire();
    await vscode.commands.executeCommand("setContext", "ail.hasAnswer", true);
    const [first] = this.nodes;
    if (first) {
      await this.tree.reveal(first, { select: false, focus: false, expand: true });
    } else {
      await vscode.commands.executeCommand("ailWhy.focus", { preserveFocus: true });
    }
  }

  /** Say in place of the answer why there will be no other, "" where there will. An empty view has its own words for it. */
  setProblem(problem: string): void {
    this.problem = problem;
    this.tree.message = !this.result ? "" : problem ? `${problem} These are the commits of the last answer.` : getMessage(this.result);
  }

  getParent(): undefined {
    return undefined;
  }

  getChildren(node?: Node): Node[] {
    return node ? node.children : this.nodes;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const isFirst = node === this.nodes[0];
    const state = node.children.length === 0 ? 0 : isFirst ? 2 : 1;
    const item = new vscode.TreeItem(node.label, state as vscode.TreeItemCollapsibleState);
    item.iconPath = new vscode.ThemeIcon(node.icon);
    if (node.description) {
      item.description = node.description;
    }
    if (node.citation) {
      item.contextValue = node.citation.url ? "citationOnWeb" : "citation";
      item.tooltip = node.citation.excerpt;
      item.accessibilityInformation = { label: `commit ${node.citation.short}: ${node.label}` };
    }
    if (node.place && this.result) {
      const uri = vscode.Uri.joinPath(vscode.Uri.file(this.result.repo), node.place.path);
      const at = new vscode.Range(node.place.line - 1, 0, node.place.line - 1, 0);
      item.command = { command: "vscode.open", title: "Open", arguments: [uri, { selection: at }] };
    }
    return item;
  }
}
