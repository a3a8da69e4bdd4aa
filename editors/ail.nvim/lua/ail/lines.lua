--- The text in which a buffer's lines are counted, for the daemon: it finds which lines of HEAD they are, saved or not.
local M = {}

local BUFFER_MAX_BYTES = 300000 -- beyond, the file on the disk counts
local AT_ONCE = 2000 -- lines copied before the editor may take a key again: half a millisecond

M.AS_SAVED = 'the buffer is large: lines are counted as in the file on the disk'

local function is_readable(buffer)
  return vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_is_loaded(buffer)
end

--- `done(text)` once all of the buffer is copied; anew where it was changed meanwhile, nil where it was closed.
local function copy(buffer, done)
  local tick, count, parts = vim.api.nvim_buf_get_changedtick(buffer), vim.api.nvim_buf_line_count(buffer), {}
  local function go_on(first)
    if not is_readable(buffer) then
      return done(nil)
    elseif vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
      return copy(buffer, done)
    end
    local last = math.min(first + AT_ONCE, count)
    parts[#parts + 1] = table.concat(vim.api.nvim_buf_get_lines(buffer, first, last, false), '\n')
    if last == count then
      return done(table.concat(parts, '\n') .. '\n')
    end
    vim.defer_fn(function() go_on(last) end, 0) -- by a timer: what is scheduled runs before the loop looks for keys
  end
  go_on(0)
end

--- `done(text, note)`: the buffer's text, nil where the file on the disk has the same or it is too large; then with a note.
function M.get_contents(buffer, done)
  if not is_readable(buffer) or not vim.bo[buffer].modified then
    return done(nil)
  end
  if vim.api.nvim_buf_get_offset(buffer, vim.api.nvim_buf_line_count(buffer)) > BUFFER_MAX_BYTES then
    return done(nil, M.AS_SAVED)
  end
  copy(buffer, done)
end

return M
