// VS Code's window (code-server in Chromium) as a person uses it: what the scripts of this directory share.

import { createRequire } from "node:module";

const PATIENCE_MS = 60_000;

/** Open the window at *url*, do *work* in it, print what it returns as JSON; on a failure, a picture and what the status bar says. */
export async function inWindow(options, work) {
  const { chromium } = createRequire(`${options.modules}/`)("playwright-core");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const browser = await chromium.launch({ executablePath: options.chromium, args });
  const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, deviceScaleFactor: 1 });
  page.setDefaultTimeout(PATIENCE_MS);
  const seen = {};
  try {
    await page.goto(options.url);
    await page.waitForSelector(".monaco-workbench .part.statusbar");
    await page.getByText("AIL", { exact: true }).first().waitFor();
    const window = new Window(page);
    await window.command("View: Close All Editors");
    await work(window, seen);
  } catch (err) {
    await page.screenshot({ path: options.picture });
    console.error(String(err), await readStatus(page));
    process.exitCode = 1;
  } finally {
    console.log(JSON.stringify(seen));
    await browser.close();
  }
}

async function readStatus(page) {
  const labels = await page.locator(".part.statusbar [aria-label]").evaluateAll((all) => all.map((one) => one.ariaLabel));
  return labels.filter((one) => /AIL|ail-lsp/.test(one ?? "")).join("; ");
}

export async function pause(ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

class Window {
  constructor(page) {
    this.page = page;
    this.view = page.locator(".pane:has(.title:text-is('Why'))");
  }

  async quickOpen(key, text) {
    const input = this.page.locator(".quick-input-widget input");
    await this.page.keyboard.press(key);
    await input.waitFor({ state: "visible" });
    await input.fill(text);
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    await pause(600);
    await this.page.keyboard.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  async command(title) {
    await this.quickOpen("F1", `>${title}`);
  }

  /** Open a file from the explorer: Go to File needs ripgrep, which npm's code-server does not bring. */
  async openFile(name, line) {
    await this.command("View: Show Explorer");
    await this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first().dblclick();
    await this.page.locator(".editor-instance .view-line").first().waitFor();
    await this.goTo(line);
  }

  async goTo(line) {
    const input = this.page.locator(".quick-input-widget input");
    await this.page.locator(".editor-instance .view-lines").first().click(); // a page beside the editor may have the focus
    await this.page.keyboard.press("Control+G");
    await input.waitFor({ state: "visible" });
    await input.fill(`:${line}`);
    await this.page.keyboard.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  /** Hover the line with *code*, again until somebody says *text*; return it. */
  async hover(code, text) {
    const line = this.page.locator(".editor-instance .view-line", { hasText: code }).first();
    const shown = this.page.locator(".monaco-hover .hover-contents", { hasText: text }).first();
    for (let tries = 0; tries < 20; tries += 1) {
      await line.click();
      await this.command("Show or Focus Hover");
      if (await shown.waitFor({ timeout: 3000 }).then(() => true, () => false)) {
        return shown.innerText();
      }
    }
    throw new Error(`no hover says ${text}`);
  }

  /** Return the pop-up that says *text*. */
  async getPopUp(text) {
    const shown = this.page.locator(".notification-toast", { hasText: text }).first();
    await shown.waitFor();
    return shown;
  }

  async readStatus() {
    return readStatus(this.page);
  }
}
