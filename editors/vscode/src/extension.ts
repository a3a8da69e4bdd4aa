// AIL in VS Code: starts the language server, asks what a person asks, shows what comes back.

import * as fs from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import type { LanguageClientOptions } from "vscode-languageclient/node";
import { Client } from "./client";
import { findServer, INSTALL } from "./finding";
import { Pages, SCHEME } from "./pages";
import { findHunk, isResult, type Node, type Result } from "./result";
import { Status, type IndexingStatus } from "./status";
import { MISSING, Supervisor, type Server, type State } from "./supervising";
import { WhyView } from "./view";

const REST_MS = 300;
const START_MS = 10_000;
const SAID_MISSING = "saidMissing";
let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  extension = new Extension(context);
  await extension.start();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}

class NotRunningError extends Error {}

class Extension {
  private client: Client | undefined;
  private readonly log = vscode.window.createOutputChannel("AIL", { log: true });
  private readonly supervisor = new Supervisor({
    find: () => findServer(getSetting("serverPath", ""), process.env, os.homedir(), isProgram),
    connect: (server) => this.connect(server),
    note: (state, problem) => this.note(state, problem),
  });
  private readonly pages = new Pages((uri, token) => this.readCommitText(uri, token));
  private readonly view = new WhyView();
  private readonly status = new Status();
  private resting: NodeJS.Timeout | undefined;
  private isAskedFor = false;
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
      "ail.openCommit": (node: Node) => this.told(() => this.openCommit(node)),
      "ail.peekCommit": (node: Node) => this.told(() => this.peekCommit(node)),
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

  async start(): Promise<void> {
    await this.supervisor.start();
  }

  async stop(): Promise<void> {
    await this.supervisor.stop();
  }

  /** Restart the server and do *again* what could not be done without it. */
  private async restart(again?: () => Promise<void>): Promise<void> {
    this.isAskedFor = true;
    if (await this.supervisor.restart()) {
      await again?.();
    }
  }

  private async connect(server: Server): Promise<Client> {
    const client = new Client(server, this.makeOptions());
    client.onNotification("ail/status", (status: IndexingStatus) => this.status.setIndexing(status));
    await client.start();
    this.client = client;
    return client;
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

  /** Say in the status bar, the view and the log how it is with the server; and aloud, where it was given up. */
  private note(state: State, problem: string): void {
    if (state !== "running") {
      this.client = undefined;
    }
    if (problem) {
      this.log.warn(problem);
    }
    void vscode.commands.executeCommand("setContext", "ail.isRunning", state === "running");
    void vscode.commands.executeCommand("setContext", "ail.hasProblem", state === "stopped" && problem !== "");
    this.status.setServer(state, problem);
    this.view.setProblem(state === "stopped" ? problem : "");
    if (state === "stopped" && problem) {
      void this.sayProblem(problem, this.isAskedFor);
      this.isAskedFor = false;
    }
  }

  /** Say why the server does not run, with what can be done about it; that it is missing only once, unless that was asked. */
  private async sayProblem(problem: string, isAskedFor: boolean, again?: () => Promise<void>): Promise<void> {
    if (problem === MISSING) {
      await this.sayMissing(isAskedFor, again);
      return;
    }
    const chosen = await vscode.window.showWarningMessage(`AIL: ${problem}`, "Restart", "Show Log");
    if (chosen === "Restart") {
      await this.restart(again);
    } else if (chosen === "Show Log") {
      this.log.show();
    }
  }

  private async sayMissing(isAskedFor: boolean, again?: () => Promise<void>): Promise<void> {
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
      await this.restart(again);
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
    const again = () => this.ask(command, ...args);
    const progress = { location: vscode.ProgressLocation.Window, title: "AIL is asking history" };
    await this.told(async () => {
      const result = await vscode.window.withProgress(progress, async () => {
        await this.getClient();
        return vscode.commands.executeCommand(command, ...args);
      });
      if (result === undefined || result === null) {
        throw new NotRunningError("ail-lsp ended before it answered.");
      }
    }, again);
  }

  /** Return the client of the running server, waiting for one that is being started. Throws NotRunningError. */
  private async getClient(): Promise<Client> {
    await this.supervisor.isRunning(START_MS);
    if (!this.client) {
      throw new NotRunningError(this.supervisor.problem || "the language server does not answer.");
    }
    return this.client;
  }

  /** Do something that needs the server; say what went wrong, and offer a restart where it is the server. */
  private async told(work: () => Promise<void>, again: () => Promise<void> = work): Promise<void> {
    try {
      await work();
    } catch (err) {
      const said = err instanceof Error ? err.message : String(err);
      if (!(await this.supervisor.isRunning(START_MS))) {
        await this.sayProblem(this.supervisor.problem || said, true, again);
      } else if (err instanceof NotRunningError) {
        const chosen = await vscode.window.showWarningMessage(`AIL: ${said}`, "Ask Again");
        await (chosen && again());
      } else {
        void vscode.window.showWarningMessage(`AIL: ${said}`);
      }
    }
  }

  private async readCommitText(uri: string, token: vscode.CancellationToken): Promise<string> {
    const client = await this.getClient();
    return (await client.sendRequest<{ text: string }>("workspace/textDocumentContent", { uri }, token)).text;
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
    this.resting = setTimeout(() => void this.client?.sendNotification("ail/cursor", params).catch(() => undefined), REST_MS);
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
