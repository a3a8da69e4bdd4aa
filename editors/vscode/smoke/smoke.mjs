// A question is asked at a line in VS Code itself, and the answer read from the window.
//   node smoke.mjs '{"modules": DIR, "chromium": PATH, "url": URL, "file": NAME, "line": N, "picture": PATH, "expect": TEXT}'
// Prints {"message", "nodes", "hover", "page", "peek", "status"} as JSON: what stands in the window.

import { inWindow, pause } from "./window.mjs";

const options = JSON.parse(process.argv[2]);

await inWindow(options, async (window, seen) => {
  const { page, view } = window;
  await window.openFile(options.file, options.line);
  await window.command("AIL: Why Is This So?");
  await view.getByText(options.expect).first().waitFor();
  await view.locator(".monaco-list-row", { hasText: options.subject }).first().waitFor();
  seen.message = await view.locator(".message").innerText();
  seen.nodes = await view.locator(".monaco-list-row").allInnerTexts();
  seen.page = await readPreview(page);
  seen.hover = await window.hover(options.code, options.expect);
  await pause(1000);
  await page.screenshot({ path: options.picture });
  await page.keyboard.press("Escape");
  seen.peek = await peek(page, view);
  await pause(800);
  await page.screenshot({ path: options.peekPicture });
  seen.status = await page.locator(".part.statusbar").innerText();
});

/** Return the text of the Markdown page beside the editor: a frame within a frame. */
async function readPreview(page) {
  for (let tries = 0; tries < 60; tries += 1) {
    for (const frame of page.frames()) {
      const body = await frame.locator("body.vscode-body").innerText({ timeout: 300 }).catch(() => "");
      if (body.includes(options.expect)) {
        return body;
      }
    }
    await pause(500);
  }
  return "";
}

async function peek(page, view) {
  const row = view.locator(".monaco-list-row", { hasText: options.subject }).first();
  await row.hover();
  await row.locator(".action-label[aria-label*='Peek']").click();
  const shown = page.locator(".peekview-widget .preview .view-lines");
  await shown.getByText(options.code.trim()).first().waitFor();
  return shown.innerText();
}
