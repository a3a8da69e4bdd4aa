--- From "ask the daemon this" to an answer: started where none runs, tried again where that is safe. Never blocks.
---
--- Starting is `ail-client`'s work (once among many clients, with a clean environment): it is run as a job, and waited for.
local editor = require('ail.editor')
local connection = require('ail.connection')
local paths = require('ail.paths')
local wire = require('ail.wire')
local uv = editor.uv
local M = {}

local START_LIMIT_MS = 25000 -- loading a model takes seconds on a slow disk; the client gives up after 20
local PAUSE_MS = { busy = 50, hung_up = 20 }
local MAX_HANG_UPS = 2

--- How a start that failed is told, by ail-client's exit status.
local FAILED = {
  [69] = { code = 69, message = 'the daemon is not installed', hint = "pip install 'archaeological-intelligence[daemon]'" },
  missing = { code = 69, message = 'ail-client is not on PATH', hint = 'pip install archaeological-intelligence, or setup{ client = "/path/to/ail-client" }' },
}

--- Looks for the program before it forks for it: a fork that fails blocked the editor for up to 18 ms.
local function start(options, done)
  editor.on_main(function()
    if vim.fn.executable(options.client) == 0 then
      return done(FAILED.missing)
    end
    editor.run(options.client, { 'status', '--json', '--socket', options.path }, { timeout_ms = START_LIMIT_MS }, function(status)
      if status == 0 then
        return done(nil)
      end
      done(FAILED[status or 'missing']
        or wire.error(3, 'the daemon could not be started', ('`%s status` says why'):format(options.client)))
    end)
  end)
end

--- Ask `method`; `done(err, result)` is called once on the main loop. Only methods that read: they may be repeated.
--- options: timeout_s, client, socket, may_start. Returns a function that gives the question up; `done` is not called then.
function M.request(method, params, options, done)
  local path, wrong = paths.get_socket(options.socket)
  local cancel, is_given_up, has_started, hang_ups = function() end, false, false, 0
  local timeout_ms = options.timeout_s * 1000
  local deadline
  local function finish(err, result)
    if not is_given_up then
      vim.schedule(function()
        if not is_given_up then
          done(err, result)
        end
      end)
    end
  end

  local attempt
  local function retry_after(pause_ms)
    local timer = uv.new_timer()
    timer:start(pause_ms, 0, function()
      timer:close()
      attempt()
    end)
  end
  local function bring_up(err)
    if has_started or not options.may_start then
      return finish(err)
    end
    has_started = true
    start({ client = options.client, path = path }, function(failed)
      if failed then
        return finish(failed)
      end
      deadline = nil -- starting counts apart
      attempt()
    end)
  end
  function attempt()
    if is_given_up then
      return
    end
    deadline = deadline or uv.now() + timeout_ms
    local left_ms = math.max(deadline - uv.now(), 1)
    cancel = connection.exchange(path, method, params, left_ms, function(err, result)
      local kind = err and (err.kind or (err.code == 31 and 'busy'))
      if kind == 'nobody' or kind == 'older' then
        return bring_up(err)
      end
      hang_ups = hang_ups + (kind == 'hung_up' and 1 or 0)
      if PAUSE_MS[kind] and hang_ups <= MAX_HANG_UPS and uv.now() + PAUSE_MS[kind] < deadline then
        return retry_after(PAUSE_MS[kind])
      end
      finish(err, result)
    end)
  end

  if path then
    attempt()
  else
    finish(wrong)
  end
  return function()
    is_given_up = true
    cancel()
  end
end

return M
