// Where the language server is installed. Knows no editor: the file system and the environment are handed in.

import * as path from "node:path";

export const INSTALL = "pip install 'archaeological-intelligence[daemon,model,lsp]'";

/**
 * Return the program to start, undefined where there is none: what the setting names, else the first of PATH and ~/.local/bin.
 * A relative name in PATH is skipped: it would be looked up in the workspace, which anybody may have written.
 */
export function findServer(
  named: string,
  env: Record<string, string | undefined>,
  home: string,
  isProgram: (file: string) => boolean,
): string | undefined {
  if (named) {
    const file = named.startsWith("~/") ? path.join(home, named.slice(2)) : named;
    return path.isAbsolute(file) && isProgram(file) ? file : undefined;
  }
  const directories = [...(env["PATH"] ?? "").split(path.delimiter), path.join(home, ".local", "bin")];
  return directories
    .filter((directory) => path.isAbsolute(directory))
    .map((directory) => path.join(directory, "ail-lsp"))
    .find(isProgram);
}
