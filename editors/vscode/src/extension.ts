// AIL in VS Code: starts the language server, asks what a person asks, shows what comes back.

import * as fs from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import { LanguageClient, State, TransportKind, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";
import { findServer, INSTALL } from "./finding";
import { Pages, SCHEME } from "./pages";
import { findHunk, isResult, type Node, type Result } from "./result";
import { Status, type IndexingStatus } from "./status";
import { WhyView } from "./view";

const REST_MS = 300;
const SAID_MISSING = "saidMissing";
let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  extension = new Extension(context);
  await extension.start();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}

class Extension {
  private client: LanguageClient | undefined;
  private readonly log = vscode.window.createOutputChannel("AIL", { log: true });
  private readonly pages = new Pages(() => this.client);
  private readonly view = new WhyView();
  private readonly status = new Status();
  private resting: NodeJS.Timeout | undefined;
  private asked: { uri: vscode.Uri; position: vscode.Position } | undefined;

  constructor(private readonly context: vscode.ExtensionContext) {
    const { subscriptions } = context;
    subscriptions.push(this.log, this.view, this.status, vscode.workspace.registerTextDocumentContentProvider(SCHEME, this.pages));
    const commands: Record<string, (...args: never[]) => unknown> = {
      "ail.whyHere": () => this.askHere(false),
      "ail.askHere": () => this.askHere(true),
      "ail.askRepository": () => this.askRepository(),
      "ail.relatedHere": (about?: { resourceUri?: vscode.Uri }) => this.findRelated(about?.resourceUri),
      "ail.openPage": () => this.openPage(),
      "ail.openCommit": (node: Node) => this.openCommit(node),
      "ail.peekCommit": (node: Node) => this.peekCommit(node),
      "ail.openOnWeb": (node: Node) => node.citation && vscode.env.openExternal(vscode.Uri.parse(node.citation.url)),
      "ail.copySha": (node: Node) => node.citation && vscode.env.clipboard.writeText(node.citation.sha),
      "ail.addRepository": () => this.addRepository(),
      "ail.restart": () => this.restart(),
      "ail.showLog": () => this.log.show(),
      "ail.begin": () => vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#begin`),
    };
    for (const [name, run] of Object.entries(commands)) {
      subscriptions.push(vscode.commands.registerCommand(name, run));
    }
    subscriptions.push(vscode.window.onDidChangeTextEditorSelection((event) => this.rest(event.textEditor)));
    subscriptions.push(vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("ail.serverPath") && this.restart()));
  }

  /** Start the server, or say how to install it: once, and whenever somebody asked for it; else the status bar says it. */
  async start(isAskedFor = false): Promise<void> {
    const program = findServer(getSetting("serverPath", ""), process.env, os.homedir(), isProgram);
    if (!program) {
      this.status.setProblem(`ail-lsp was not found: ${INSTALL}`);
      await this.sayMissing(isAskedFor);
      return;
    }
    const server: ServerOptions = { command: program, transport: TransportKind.stdio };
    const client = new LanguageClient("ail", "AIL", server, this.makeOptions());
    this.client = client;
    client.onDidChangeState((event) => this.note(event.newState));
    client.onNotification("ail/status", (status: IndexingStatus) => this.status.setIndexing(status));
    try {
      await client.start();
    } catch (err) {
      this.status.setProblem(`ail-lsp could not be started: ${String(err)}`);
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop()) {
      await client.stop();
    }
  }

  private async restart(): Promise<void> {
    await this.stop();
    await this.start(true);
  }

  private makeOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file" }],
      initializationOptions: { ...vscode.workspace.getConfiguration("ail"), presents: true },
      synchronize: { configurationSection: "ail" },
      outputChannel: this.log,
      middleware: {
        executeCommand: async (command, args, next) => {
          this.remember(args);
          const result: unknown = await next(command, args);
          if (isResult(result)) {
            await this.show(result);
          }
          return result;
        },
      },
    };
  }

  private note(state: State): void {
    const isRunning = state === State.Running;
    void vscode.commands.executeCommand("setContext", "ail.isRunning", isRunning);
    this.status.setProblem(state === State.Stopped ? "ail-lsp has stopped; “AIL: Restart the Language Server” starts it again" : "");
  }

  private async sayMissing(isAskedFor: boolean): Promise<void> {
    if (!isAskedFor && this.context.globalState.get(SAID_MISSING, false)) {
      return;
    }
    await this.context.globalState.update(SAID_MISSING, true);
    const said = `AIL's language server, ail-lsp, is not installed here. ${INSTALL}`;
    const chosen = await vscode.window.showWarningMessage(said, "Get Started", "Copy Command", "Look Again");
    if (chosen === "Get Started") {
      await vscode.commands.executeCommand("ail.begin");
    } else if (chosen === "Copy Command") {
      await vscode.env.clipboard.writeText(INSTALL);
    } else if (chosen === "Look Again") {
      await this.start(true);
    }
  }

  /** Note where a question is asked from: a peek opens there. */
  private remember(args: unknown[]): void {
    const [uri, lines] = args;
    if (typeof uri === "string" && uri.startsWith("file:") && Array.isArray(lines) && typeof lines[0] === "number") {
      this.asked = { uri: vscode.Uri.parse(uri), position: new vscode.Position(lines[0] - 1, 0) };
    }
  }

  private async askHere(isFree: boolean): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor || editor.document.uri.scheme !== "file") {
      void vscode.window.showInformationMessage("AIL: open a file of a repository first.");
      return;
    }
    const question = isFree ? await vscode.window.showInputBox({ prompt: "Ask history about these lines", placeHolder: "why the retry?" }) : null;
    if (question !== undefined) {
      await this.ask("ail.why", editor.document.uri.toString(), getLines(editor.selection), question || null);
    }
  }

  private async askRepository(): Promise<void> {
    const question = await vscode.window.showInputBox({ prompt: "Ask history", placeHolder: "why do we retry uploads?" });
    if (question) {
      const uri = vscode.window.activeTextEditor?.document.uri;
      await this.ask("ail.ask", question, uri?.scheme === "file" ? uri.toString() : null);
    }
  }

  private async findRelated(named: vscode.Uri | undefined): Promise<void> {
    const uri = named ?? vscode.window.activeTextEditor?.document.uri;
    if (uri?.scheme === "file") {
      await vscode.workspace.openTextDocument(uri); // the server knows open documents
      await this.ask("ail.related", uri.toString());
    }
  }

  private async addRepository(): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri;
    await this.ask("ail.add", uri?.scheme === "file" ? uri.toString() : null);
  }

  /** Ask the server; what it returns is shown by the client's middleware, for lenses and actions as well. */
  private async ask(command: string, ...args: unknown[]): Promise<void> {
    if (!this.client?.isRunning()) {
      void vscode.window.showWarningMessage("AIL: the language server does not run.", "Restart").then((chosen) => chosen && this.restart());
      return;
    }
    const progress = { location: vscode.ProgressLocation.Window, title: "AIL is asking history" };
    try {
      await vscode.window.withProgress(progress, () => vscode.commands.executeCommand(command, ...args));
    } catch (err) {
      void vscode.window.showWarningMessage(`AIL: ${err instanceof Error ? err.message : String(err)}`);
    }
  }

  private async show(result: Result): Promise<void> {
    await this.view.show(result);
    if (!result.error && getSetting("showPage", true)) {
      await this.openPage();
    }
  }

  private async openPage(): Promise<void> {
    if (this.view.result) {
      await vscode.commands.executeCommand("markdown.showPreviewToSide", this.pages.keep(this.view.result));
    }
  }

  private async openCommit(node: Node): Promise<void> {
    if (node.citation) {
      const { document, line } = await this.readCommit(node);
      const at = new vscode.Range(line, 0, line, 0);
      await vscode.window.showTextDocument(document, { preview: true, selection: at });
    }
  }

  private async peekCommit(node: Node): Promise<void> {
    if (!node.citation) {
      return;
    }
    if (!this.asked) {
      await this.openCommit(node);
      return;
    }
    const { document, line } = await this.readCommit(node);
    const found = new vscode.Location(document.uri, new vscode.Position(line, 0));
    await vscode.window.showTextDocument(this.asked.uri, { preserveFocus: false });
    await vscode.commands.executeCommand("editor.action.peekLocations", this.asked.uri, this.asked.position, [found], "peek");
  }

  private async readCommit(node: Node): Promise<{ document: vscode.TextDocument; line: number }> {
    const { uri, path, line } = node.citation ?? { uri: "", path: null, line: null };
    const opened = await vscode.workspace.openTextDocument(this.pages.getCommit(uri));
    const document = await vscode.languages.setTextDocumentLanguage(opened, "diff");
    return { document, line: findHunk(document.getText(), path, line, await this.readAsked()) };
  }

  /** Return the text of the line that was asked about, "" for none. */
  private async readAsked(): Promise<string> {
    if (!this.asked) {
      return "";
    }
    const document = await vscode.workspace.openTextDocument(this.asked.uri);
    return this.asked.position.line < document.lineCount ? document.lineAt(this.asked.position.line).text : "";
  }

  /** Tell the server where the cursor rests, for the hint; nothing unless hints are on. */
  private rest(editor: vscode.TextEditor): void {
    clearTimeout(this.resting);
    if (editor.document.uri.scheme !== "file" || !getSetting("inlayHint", false)) {
      return;
    }
    const params = { textDocument: { uri: editor.document.uri.toString() }, position: editor.selection.active };
    this.resting = setTimeout(() => void this.client?.sendNotification("ail/cursor", params), REST_MS);
  }
}

function getSetting<T>(name: string, otherwise: T): T {
  return vscode.workspace.getConfiguration("ail").get<T>(name, otherwise);
}

/** Return the lines of a selection, from 1; one that ends before a line's first character does not reach into it. */
function getLines(selection: vscode.Selection): [number, number] {
  const first = selection.start.line + 1;
  const last = selection.end.line + 1;
  return [first, Math.max(first, selection.end.character === 0 && last > first ? last - 1 : last)];
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
