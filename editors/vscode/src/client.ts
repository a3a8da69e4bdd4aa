// The client of the language server: vscode-languageclient's, whose failures are told once, by the extension.

import { CloseAction, ErrorAction, LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";
import type { Server } from "./supervising";

export class Client extends LanguageClient {
  constructor(server: Server, options: LanguageClientOptions) {
    super("ail", "AIL", () => Promise.resolve(server), {
      ...options,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
    });
  }

  /** Log it: the library would show a pop-up of its own for each request that fails and each server that ends. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** Stop the server; never reject, as the library calls it and looks at nothing. The supervisor ends whatever is left. */
  override async stop(timeout?: number): Promise<void> {
    await super.stop(timeout).catch((err: unknown) => this.error("The server was not stopped as the protocol has it.", err));
  }
}
