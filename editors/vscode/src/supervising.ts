// Keeps the language server running: starts it, starts it again where it ends by itself, gives up where it does so again and
// again. Knows no editor.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { INSTALL } from "./finding";

export type Server = ChildProcessWithoutNullStreams;
export type State = "starting" | "running" | "stopped";

/** A connection to a running server. */
export interface Session {
  stop(): Promise<void>;
}

export interface Options {
  /** Return the program to start, undefined where there is none: asked before each start, for it may have been moved. */
  find(): string | undefined;
  /** Resolve once the server can be asked. */
  connect(server: Server): Promise<Session>;
  /** Hear of a change. problem: what happened, "" for nothing that a user need know. */
  note(state: State, problem: string): void;
  /** The pauses before it is started again, in milliseconds; one more end within WINDOW_MS, and it is given up. */
  pausesMs?: number[];
}

export const MISSING = `ail-lsp was not found: ${INSTALL}`;
const PAUSES_MS = [0, 1000, 2000, 4000];
const WINDOW_MS = 3 * 60_000;
const PATIENCE_MS = 2000;
const STDERR_MAX = 2000;

export class Supervisor {
  private turn = 0;
  private state: State = "stopped";
  private session: Session | undefined;
  private server: Server | undefined;
  private ends: number[] = [];
  private waiting: (() => void)[] = [];
  problem = "";

  constructor(private readonly options: Options) {}

  /** Start the server, unless that was done; resolve once it runs, or does not. */
  async start(): Promise<boolean> {
    if (this.state === "stopped") {
      this.ends = [];
      this.turn += 1;
      void this.keep(this.turn);
    }
    return this.isRunning();
  }

  /** Stop the server, also one that does not answer. */
  async stop(): Promise<void> {
    const { session, server } = this;
    this.turn += 1;
    this.session = this.server = undefined;
    this.tell("stopped", "");
    await session?.stop().catch(() => undefined);
    if (server && !(await hasEnded(server, session ? PATIENCE_MS : 0))) {
      server.kill("SIGKILL");
    }
  }

  async restart(): Promise<boolean> {
    await this.stop();
    return this.start();
  }

  /** Whether the server runs; of one that is being started, once that is known, at the latest after *limitMs*. */
  async isRunning(limitMs = Infinity): Promise<boolean> {
    if (this.state === "starting") {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        if (limitMs < Infinity) {
          setTimeout(resolve, limitMs);
        }
      });
    }
    return this.state === "running";
  }

  private async keep(turn: number): Promise<void> {
    let hasRun = false;
    let said = "";
    while (turn === this.turn) {
      this.tell("starting", said && `${said} It is being started again.`);
      said = await this.run(turn, () => (hasRun = true));
      if (turn !== this.turn) {
        return;
      }
      this.session = this.server = undefined;
      const pauseMs = said === MISSING && !hasRun ? undefined : this.getPause();
      if (pauseMs === undefined) {
        this.tell("stopped", said === MISSING ? said : `${said} It was started ${this.ends.length} times in a row.`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Run the server; return a sentence about its end. */
  private async run(turn: number, noteRunning: () => void): Promise<string> {
    const program = this.options.find();
    if (!program) {
      return MISSING;
    }
    try {
      const server = await launch(program);
      const ended = waitForEnd(server);
      if (turn === this.turn) {
        this.server = server;
        await this.connect(server, turn, ended, noteRunning);
      } else {
        server.kill("SIGKILL");
      }
      return await ended;
    } catch (err) {
      return `ail-lsp could not be started: ${err instanceof Error ? err.message : String(err)}.`;
    }
  }

  /** Connect to the server; one that ends meanwhile says so by its end. Throws where it lives and there is no connection. */
  private async connect(server: Server, turn: number, ended: Promise<string>, noteRunning: () => void): Promise<void> {
    const connected = this.options.connect(server);
    try {
      const session = await Promise.race([connected, ended]);
      if (typeof session !== "string" && turn === this.turn) {
        this.session = session;
        noteRunning();
        this.tell("running", "");
      }
    } catch (err) {
      if (!(await hasEnded(server, PATIENCE_MS))) {
        server.kill("SIGKILL");
        throw err;
      }
    }
  }

  /** Return the pause before the next start, undefined where it is to be given up. */
  private getPause(): number | undefined {
    const pauses = this.options.pausesMs ?? PAUSES_MS;
    const now = Date.now();
    this.ends = [...this.ends.filter((end) => now - end < WINDOW_MS), now];
    return pauses[this.ends.length - 1];
  }

  private tell(state: State, problem: string): void {
    this.state = state;
    this.problem = problem;
    this.options.note(state, problem);
    if (state !== "starting") {
      this.waiting.splice(0).forEach((resolve) => resolve());
    }
  }
}

async function launch(program: string): Promise<Server> {
  const server = spawn(program, ["--stdio"]);
  server.stdin.on("error", () => undefined); // a pipe whose reader has ended: its end says it
  await new Promise<void>((resolve, reject) => server.once("spawn", resolve).once("error", reject));
  server.on("error", () => undefined);
  return server;
}

/** Return how a server ended, with the last that it wrote to stderr, once it has. */
async function waitForEnd(server: Server): Promise<string> {
  let written = "";
  server.stderr.on("data", (data: Buffer) => (written = (written + data.toString()).slice(-STDERR_MAX)));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    server.once("exit", (...how) => resolve(how));
  });
  await new Promise((resolve) => setImmediate(resolve)); // what it wrote last
  server.stdout.destroy(); // another process may hold the pipe open; the client is to hear of the end
  const last = written.trim().split("\n").at(-1) ?? "";
  const how = signal ? `was ended by ${signal}` : `ended with status ${code}`;
  return `ail-lsp ${how}${last ? ` (${last})` : ""}.`;
}

async function hasEnded(server: Server, limitMs: number): Promise<boolean> {
  const isOver = () => server.exitCode !== null || server.signalCode !== null;
  if (!isOver() && limitMs > 0) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      server.once("exit", () => (clearTimeout(timer), resolve()));
    });
  }
  return isOver();
}
