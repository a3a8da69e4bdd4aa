import assert from "node:assert/strict";
import { test } from "node:test";
import { findServer } from "../src/finding";

const has = (...files: string[]) => (file: string) => files.includes(file);

test("the setting names the server, and nothing else is tried where it names none", () => {
  assert.equal(findServer("/opt/ail-lsp", { PATH: "/bin" }, "/home/u", has("/opt/ail-lsp", "/bin/ail-lsp")), "/opt/ail-lsp");
  assert.equal(findServer("~/bin/ail-lsp", {}, "/home/u", has("/home/u/bin/ail-lsp")), "/home/u/bin/ail-lsp");
  assert.equal(findServer("/gone", { PATH: "/bin" }, "/home/u", has("/bin/ail-lsp")), undefined);
});

test("else it is the first on PATH, else the one in ~/.local/bin", () => {
  const both = has("/usr/bin/ail-lsp", "/home/u/.local/bin/ail-lsp");
  assert.equal(findServer("", { PATH: "/bin:/usr/bin" }, "/home/u", both), "/usr/bin/ail-lsp");
  assert.equal(findServer("", { PATH: "/bin" }, "/home/u", both), "/home/u/.local/bin/ail-lsp");
  assert.equal(findServer("", {}, "/home/u", has()), undefined);
});

test("nothing is started from the workspace", () => {
  assert.equal(findServer("bin/ail-lsp", {}, "/home/u", has("bin/ail-lsp")), undefined);
  assert.equal(findServer("", { PATH: ".::bin" }, "/home/u", has("ail-lsp", "bin/ail-lsp", "./ail-lsp")), undefined);
});
