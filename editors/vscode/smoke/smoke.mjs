// Drives the real thing: VS Code (code-server) in Chromium. A question is asked at a line and the answer read from the page.
//   node smoke.mjs '{"modules": DIR, "chromium": PATH, "url": URL, "file": NAME, "line": N, "theme": NAME, "picture": PATH, "expect": TEXT}'
// Prints {"message", "nodes", "hover", "page", "peek", "status"} as JSON: what stands in the window.

import { createRequire } from "node:module";

const options = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${options.modules}/`)("playwright-core");
const PATIENCE_MS = 60_000;

const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const window = await browser.newPage({ viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1 });
window.setDefaultTimeout(PATIENCE_MS);
const seen = {};
try {
  await window.goto(options.url);
  await window.waitForSelector(".monaco-workbench .part.statusbar");
  await window.getByText("AIL", { exact: true }).first().waitFor();
  await command("View: Close All Editors");
  await openFile(options.file, options.line);
  await command("AIL: Why Is This So?");
  const view = window.locator(".pane:has(.title:text-is('Why'))");
  await view.getByText(options.expect).first().waitFor();
  await view.locator(".monaco-list-row", { hasText: options.subject }).first().waitFor();
  seen.message = await view.locator(".message").innerText();
  seen.nodes = await view.locator(".monaco-list-row").allInnerTexts();
  seen.page = await readPreview();
  seen.hover = await hover();
  await pause(1000);
  await window.screenshot({ path: options.picture });
  await window.keyboard.press("Escape");
  seen.peek = await peek(view);
  if (options.peekPicture) {
    await pause(800);
    await window.screenshot({ path: options.peekPicture });
  }
  seen.status = await window.locator(".part.statusbar").innerText();
} catch (err) {
  await window.screenshot({ path: options.picture });
  const labels = await window.locator(".part.statusbar [aria-label]").evaluateAll((all) => all.map((one) => one.ariaLabel));
  console.error(String(err), labels.filter((one) => one?.includes("AIL") || one?.includes("ail")));
  process.exitCode = 1;
} finally {
  console.log(JSON.stringify(seen));
  await browser.close();
}

async function pause(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function quickOpen(key, text) {
  const input = window.locator(".quick-input-widget input");
  await window.keyboard.press(key);
  await input.waitFor({ state: "visible" });
  await input.fill(text);
  await window.locator(".quick-input-list .monaco-list-row").first().waitFor();
  await pause(600);
  await window.keyboard.press("Enter");
  await input.waitFor({ state: "hidden" });
}

async function command(title) {
  await quickOpen("F1", `>${title}`);
}

/** Open a file from the explorer: Go to File needs ripgrep, which npm's code-server does not bring. */
async function openFile(name, line) {
  await command("View: Show Explorer");
  await window.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first().dblclick();
  await window.locator(".editor-instance .view-line").first().waitFor();
  const input = window.locator(".quick-input-widget input");
  await window.keyboard.press("Control+G");
  await input.waitFor({ state: "visible" });
  await input.fill(`:${line}`);
  await window.keyboard.press("Enter");
  await input.waitFor({ state: "hidden" });
}

/** Return the text of the Markdown page beside the editor: a frame within a frame. */
async function readPreview() {
  for (let tries = 0; tries < 60; tries += 1) {
    for (const frame of window.frames()) {
      const body = await frame.locator("body.vscode-body").innerText({ timeout: 300 }).catch(() => "");
      if (body.includes(options.expect)) {
        return body;
      }
    }
    await pause(500);
  }
  return "";
}

async function hover() {
  const line = window.locator(".editor-instance .view-line", { hasText: options.code }).first();
  await line.click();
  await command("Show or Focus Hover");
  const shown = window.locator(".monaco-hover .hover-contents", { hasText: options.expect }).first();
  await shown.waitFor();
  return shown.innerText();
}

async function peek(view) {
  const row = view.locator(".monaco-list-row", { hasText: options.subject }).first();
  await row.hover();
  await row.locator(".action-label[aria-label*='Peek']").click();
  const shown = window.locator(".peekview-widget .preview .view-lines");
  await shown.getByText(options.code.trim()).first().waitFor();
  return shown.innerText();
}
