--- The text in which a buffer's lines are counted, for the daemon: it finds which lines of HEAD they are, saved or not.
local M = {}

local BUFFER_MAX_BYTES = 300000 -- copying this many blocks the editor for 1 to 2 ms; beyond, the file on the disk counts

M.AS_SAVED = 'the buffer is large: lines are counted as in the file on the disk'

--- Return the buffer's text, nil where the file on the disk has the same or it is too large; then with a note.
function M.get_contents(buffer)
  if not vim.bo[buffer].modified then
    return nil
  end
  local count = vim.api.nvim_buf_line_count(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) or vim.api.nvim_buf_get_offset(buffer, count) > BUFFER_MAX_BYTES then
    return nil, M.AS_SAVED
  end
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') .. '\n'
end

return M
