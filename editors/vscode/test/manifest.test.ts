import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (name: string): string => readFileSync(name, "utf8");
const manifest = JSON.parse(read("package.json"));
const source = ["extension", "pages", "status", "view"].map((name) => read(`src/${name}.ts`)).join("\n");

test("every command that is offered is registered, and the other way round", () => {
  const offered = manifest.contributes.commands.map((one: { command: string }) => one.command).sort();
  const registered = [...source.matchAll(/^ {6}"(ail\.\w+)": \(/gm)].map((found) => found[1]).sort();
  assert.deepEqual(registered, offered);
});

test("every menu and key leads to a command, every setting is described", () => {
  const offered = new Set(manifest.contributes.commands.map((one: { command: string }) => one.command));
  const used = [...Object.values(manifest.contributes.menus).flat(), ...manifest.contributes.keybindings] as { command: string }[];
  assert.deepEqual(used.filter((one) => !offered.has(one.command)), []);
  for (const [name, setting] of Object.entries(manifest.contributes.configuration.properties) as [string, Record<string, string>][]) {
    assert.ok(setting["description"] ?? setting["markdownDescription"], name);
  }
});

test("no workspace can say which program is started", () => {
  assert.equal(manifest.contributes.configuration.properties["ail.serverPath"].scope, "machine");
  assert.equal(manifest.contributes.configuration.properties["ail.socket"].scope, "machine");
});

test("the lock names no registry", () => {
  assert.deepEqual([...read("package-lock.json").matchAll(/"resolved": ".*"/g)].map((found) => found[0]), []);
});
