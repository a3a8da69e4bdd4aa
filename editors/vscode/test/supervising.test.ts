import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { MISSING, Supervisor, type Server } from "../src/supervising";

const PAUSES_MS = [0, 1, 1, 1];

/** A program of *lines* of shell, and a supervisor of it. Connected is who has heard a line of it. */
function supervise(t: TestContext, lines: string) {
  const directory = mkdtempSync(join(tmpdir(), "ail-"));
  const program = join(directory, "server");
  const write = (text: string) => (writeFileSync(program, `#!/bin/sh\n${text}\n`), chmodSync(program, 0o755));
  write(lines);
  const notes: string[] = [];
  const servers: Server[] = [];
  let stops = 0;
  const supervisor = new Supervisor({
    find: () => (existsSync(program) ? program : undefined),
    connect: async (server) => {
      servers.push(server);
      await new Promise((resolve) => server.stdout.once("data", resolve));
      return { stop: async () => ((stops += 1), server.stdin.end()) as unknown as void };
    },
    note: (state, problem) => notes.push(`${state}: ${problem}`),
    pausesMs: PAUSES_MS,
  });
  t.after(async () => (await supervisor.stop(), rmSync(directory, { recursive: true })));
  return { program, write, notes, servers, supervisor, countStops: () => stops };
}

async function waitUntil(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo(); ) {
    assert.ok(Date.now() < end, "it never came to that");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const SERVES = "echo ready; cat >/dev/null";

test("a server that is killed is started again, and it is said why", async (t) => {
  const { notes, servers, supervisor } = supervise(t, SERVES);
  assert.equal(await supervisor.start(), true);
  servers[0]?.kill("SIGKILL");
  await waitUntil(() => servers.length === 2);
  assert.equal(await supervisor.isRunning(), true);
  assert.deepEqual(notes, ["starting: ", "running: ", "starting: ail-lsp was ended by SIGKILL. It is being started again.", "running: "]);
});

test("one that ends at once, five times in a row, is given up with what it wrote last; a start begins anew", async (t) => {
  const { notes, supervisor, write } = supervise(t, "echo Traceback >&2; echo 'ModuleNotFoundError: no pygls' >&2; exit 3");
  assert.equal(await supervisor.start(), false);
  assert.equal(notes.filter((note) => note.startsWith("starting")).length, 5);
  assert.equal(notes.at(-1), "stopped: ail-lsp ended with status 3 (ModuleNotFoundError: no pygls). It was started 5 times in a row.");
  write(SERVES);
  assert.equal(await supervisor.start(), true);
  assert.equal(supervisor.problem, "");
});

test("one that is not installed is said to be missing at once; one that is uninstalled, after looking again", async (t) => {
  const { notes, program, servers, supervisor, write } = supervise(t, SERVES);
  rmSync(program);
  assert.equal(await supervisor.start(), false);
  assert.deepEqual(notes, ["starting: ", `stopped: ${MISSING}`]);
  write(SERVES);
  assert.equal(await supervisor.restart(), true);
  rmSync(program);
  servers[0]?.kill();
  await waitUntil(() => notes.at(-1) === `stopped: ${MISSING}`);
  assert.equal(notes.filter((note) => note.startsWith(`starting: ${MISSING}`)).length, 3);
});

test("one whose interpreter is gone is said not to start", async (t) => {
  const { program, supervisor } = supervise(t, SERVES);
  writeFileSync(program, "#!/no/such/python\n");
  assert.equal(await supervisor.start(), false);
  assert.match(supervisor.problem, /^ail-lsp could not be started: spawn .* ENOENT\. It was started 5 times in a row\.$/);
});

test("stopping asks the session, and ends one that does not heed it or never answered", async (t) => {
  const { servers, supervisor, write, countStops } = supervise(t, SERVES);
  await supervisor.start();
  await supervisor.stop();
  assert.deepEqual([countStops(), servers[0]?.exitCode], [1, 0]);
  write("exec sleep 60");
  const starting = supervisor.start();
  await waitUntil(() => servers.length === 2);
  assert.equal(await supervisor.isRunning(1), false, "who asks does not wait for ever");
  await supervisor.stop();
  assert.equal(await starting, false);
  await waitUntil(() => servers[1]?.signalCode === "SIGKILL");
});

test("two starts at once start one server, and a stopped one stays so", async (t) => {
  const { servers, supervisor, notes } = supervise(t, SERVES);
  assert.deepEqual(await Promise.all([supervisor.start(), supervisor.start()]), [true, true]);
  assert.equal(servers.length, 1);
  await supervisor.stop();
  assert.equal(await supervisor.isRunning(), false);
  assert.equal(notes.at(-1), "stopped: ");
});
