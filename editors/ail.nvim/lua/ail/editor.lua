--- What differs between Neovim 0.7.2, the oldest this plugin runs on, and later ones. Knows nothing of AIL.
local M = {}

M.uv = vim.uv or vim.loop -- renamed in 0.10
M.diff = (vim.text and vim.text.diff) or vim.diff -- renamed in 0.12

--- Whether a float may carry a title in its border (0.9).
M.has_float_title = vim.fn.has('nvim-0.9') == 1

--- Run `fn` on the main loop, where the whole API may be used; at once if that is where we are.
function M.on_main(fn)
  if vim.in_fast_event() then
    vim.schedule(fn)
  else
    fn()
  end
end

--- Run a program without a shell; `done(status, stdout)`, status nil where it could not be run.
--- options: env (list of NAME=value, nil: inherited), cwd, timeout_ms (then it is killed, and its status is not 0).
function M.run(program, arguments, options, done)
  local out, timer = M.uv.new_pipe(false), M.uv.new_timer()
  local chunks, waiting, status, handle = {}, 2, nil, nil
  local function finish()
    waiting = waiting - 1
    if waiting == 0 then
      timer:close()
      done(status, table.concat(chunks))
    end
  end
  handle = M.uv.spawn(program, {
    args = arguments, env = options.env, cwd = options.cwd, stdio = { nil, out, nil }, hide = true,
  }, function(code, signal)
    status = signal ~= 0 and 128 + signal or code
    handle:close()
    finish()
  end)
  if not handle then
    out:close()
    timer:close()
    return done(nil, '')
  end
  timer:start(options.timeout_ms, 0, function() handle:kill('sigkill') end)
  out:read_start(function(err, chunk)
    if chunk then
      chunks[#chunks + 1] = chunk
      return
    end
    out:close()
    finish()
  end)
end

return M
