-- What a test says to a headless Neovim: `wait` for something, `emit` what was seen. Loaded before each test's own lines.
local out = assert(os.getenv('AIL_TEST_OUT'))
local seen = {}

--- Keep a value for the test under a name.
function emit(name, value)
  seen[name] = value
end

--- Wait until `condition` holds; the test's own limit ends a wait in vain.
function wait(condition)
  assert(vim.wait(20000, condition, 5), 'waited in vain: ' .. debug.traceback())
end

--- Return the answer's lines once it is shown, and its window.
function wait_float()
  local window
  wait(function()
    window = require('ail.float').window
    return window and vim.api.nvim_win_is_valid(window)
  end)
  return vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), window
end

--- Return the lines of the current buffer once its filetype is `kind`.
function wait_buffer(kind)
  wait(function() return vim.bo.filetype == kind end)
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

--- Run a test's lines once Neovim has started (in a start-up script the cursor is on line 0), write what it emitted, quit.
function run(test)
  vim.schedule(function() finish(test) end)
end

function finish(test)
  local ok, err = xpcall(test, debug.traceback)
  seen.error = not ok and tostring(err) or nil
  seen.messages = vim.api.nvim_exec('messages', true)
  local file = assert(io.open(out, 'wb'))
  file:write(vim.mpack.encode(seen))
  file:close()
  vim.cmd('qall!')
end
