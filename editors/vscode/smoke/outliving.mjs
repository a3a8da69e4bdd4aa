// VS Code itself outlives its language server: killed, then broken so that it ends at once, then whole again.
//   node outliving.mjs '{"modules", "chromium", "url", "picture": as for smoke.mjs, "file", "line", "code", "expect", "subject",
//     "server": PATH of the program that is started, a shell script, "descendantsOf": PID}'
// Prints {"hover", "popUp", "status", "view", "again", "peek"} as JSON.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { inWindow, pause } from "./window.mjs";

const options = JSON.parse(process.argv[2]);
const whole = readFileSync(options.server, "utf8");

await inWindow(options, async (window, seen) => {
  const { page, view } = window;
  await window.openFile(options.file, options.line);
  await window.command("AIL: Why Is This So?");
  await view.getByText(options.expect).first().waitFor();

  await window.goTo(1);
  await page.keyboard.type("# not saved\n");
  await kill();
  seen.hover = await window.hover(options.code, options.expect);
  await page.keyboard.press("Escape");

  writeFileSync(options.server, "#!/bin/sh\necho 'no module named pygls' >&2\nexit 3\n");
  await kill();
  const popUp = await window.getPopUp("ail-lsp ended with status 3");
  seen.popUp = await popUp.innerText();
  seen.status = await window.readStatus();
  seen.view = await view.locator(".message").innerText();
  await window.command("Notifications: Clear All Notifications");
  await window.goTo(options.line + 1);
  await window.command("AIL: Why Is This So?");
  const refused = await window.getPopUp("ail-lsp ended with status 3");
  await page.screenshot({ path: options.picture });

  writeFileSync(options.server, whole);
  await refused.locator(".monaco-button", { hasText: "Restart" }).click();
  await view.locator(".message", { hasNotText: "ail-lsp ended" }).first().waitFor();
  await view.locator(".monaco-list-row", { hasText: options.subject }).first().waitFor();
  seen.again = await view.locator(".message").innerText();
  const row = view.locator(".monaco-list-row", { hasText: options.subject }).first();
  await row.hover();
  await row.locator(".action-label[aria-label*='Peek']").click();
  const shown = page.locator(".peekview-widget .preview .view-lines");
  await shown.getByText(options.code.trim()).first().waitFor();
  seen.peek = await shown.innerText();
  await pause(1500); // VS Code logs a rejected promise that nobody handles after a second
});

/** Kill the language server, wherever below VS Code's server it runs. */
async function kill() {
  for (let tries = 0; tries < 100; tries += 1) {
    const [server] = findServers();
    if (server) {
      process.kill(server, "SIGKILL");
      return;
    }
    await pause(100);
  }
  throw new Error("no ail-lsp runs");
}

function findServers() {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n");
  const all = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter(Boolean);
  const below = new Set([options.descendantsOf]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    all.filter(([, , parent]) => below.has(Number(parent))).forEach(([, pid]) => below.add(Number(pid)));
  }
  return all.filter(([, pid, , args]) => below.has(Number(pid)) && /ail-lsp --stdio/.test(args)).map(([, pid]) => Number(pid));
}
