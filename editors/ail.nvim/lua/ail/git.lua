--- git, as far as an editor needs it: what is staged. Nothing that a repository configures is run.
local editor = require('ail.editor')
local M = {}

local LIMIT_MS = 3000
local PATCH_MAX_BYTES = 512 * 1024 -- what the daemon takes of a diff
local QUIET = { 'GIT_NO_LAZY_FETCH=1', 'GIT_TERMINAL_PROMPT=0', 'GIT_OPTIONAL_LOCKS=0', 'LC_ALL=C' }
local HARDENED = { '--no-pager', '-c', 'core.quotePath=true', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null' }

--- The options of `ail_client.staged`.
local DIFF = {
  '-c', 'diff.orderFile=/dev/null', 'diff', '--cached', '-p', '-U0', '--inter-hunk-context=0', '-w', '--ignore-blank-lines', '-M',
  '-l200', '--no-relative', '--no-color', '--no-ext-diff', '--no-textconv', '--submodule=short', '--ignore-submodules=all',
  '--src-prefix=a/', '--dst-prefix=b/',
}

--- The environment; unless `keeps_own`, without git's own variables: in an editor started by `git commit` they name that repository.
local function make_environment(keeps_own)
  local env = vim.list_extend({}, QUIET)
  for name, value in pairs(editor.uv.os_environ()) do
    if name ~= 'LC_ALL' and (keeps_own or name:sub(1, 4) ~= 'GIT_') then
      env[#env + 1] = name .. '=' .. value
    end
  end
  return env
end

local function run(arguments, directory, keeps_own, done)
  local options = { cwd = directory, env = make_environment(keeps_own), timeout_ms = LIMIT_MS }
  editor.run('git', vim.list_extend(vim.list_extend({}, HARDENED), arguments), options, vim.schedule_wrap(done))
end

--- `done(diff)`: what is staged in `directory`, nil where git cannot say. In an editor that `git commit` started this is the
--- index of that commit, which only its environment names. A large one is cut at a file's boundary.
function M.read_staged(directory, done)
  run(DIFF, directory, true, function(status, diff)
    if #diff > PATCH_MAX_BYTES then
      diff = diff:sub(1, PATCH_MAX_BYTES):match('^(.*\n)diff %-%-git ') or ''
    end
    done(status == 0 and diff or nil)
  end)
end

return M
