--- The window an answer appears in. Knows how a page is shown and which keys it has, not what it says.
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('ail')
local WIDTH_MAX = 100

--- Columns that a page may have now.
function M.get_width()
  return math.max(20, math.min(WIDTH_MAX, vim.o.columns - 4))
end

--- Fill a scratch buffer that nobody can write and no modeline speaks in; return it.
function M.make_buffer(page)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].modeline = false
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, page.lines)
  for line, group in pairs(page.groups) do
    vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, line - 1, 0, { end_col = #page.lines[line], hl_group = group })
  end
  vim.bo[buffer].modifiable = false
  return buffer
end

--- Return the first and last row of the screen, from 0, that `range` (nil: the cursor's line) takes; the cursor's where it is too long.
local function get_rows(range)
  local function row_of(line)
    local row = vim.fn.screenpos(0, math.min(line, vim.api.nvim_buf_line_count(0)), 1).row
    return row > 0 and row - 1 or nil
  end
  local cursor = vim.fn.line('.')
  local first, last = row_of(range and range[1] or cursor), row_of(range and range[2] or cursor)
  local at = row_of(cursor) or vim.fn.winline() - 1
  if not first or not last or last - first > vim.o.lines / 2 then
    return at, at
  end
  return first, last
end

--- Return the row of the frame's top and the rows within it: below the lines asked about, above them where only there is room.
local function get_place(range, wanted)
  local first, last = get_rows(range)
  local below = vim.o.lines - vim.o.cmdheight - 1 - (last + 1) - 2 -- a status line, two for the frame
  local above = first - 2
  if below >= wanted or below >= above then
    return last + 1, math.max(1, math.min(wanted, below))
  end
  local height = math.max(1, math.min(wanted, above))
  return math.max(0, first - height - 2), height
end

local function get_config(page, title, range)
  local width = 1
  for _, line in ipairs(page.lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local wanted = math.max(1, math.min(#page.lines, math.floor(vim.o.lines * 0.6)))
  local row, height = get_place(range, wanted)
  local config = {
    relative = 'editor', row = row, col = math.max(0, vim.fn.screencol() - 1), style = 'minimal', border = 'rounded',
    width = math.min(width, M.get_width()), height = height,
  }
  if title and require('ail.editor').has_float_title then
    config.title = ' ' .. title .. ' '
  end
  return config
end

--- Show `page`; with `keys` (a list of {key, what it does, function}). `enter`: whether the cursor goes there.
--- range: the lines it is about, {first, last}, which it does not cover; nil: the cursor's. Returns the window. An earlier one is closed: there is one answer at a time.
function M.open(page, keys, enter, title, range)
  M.close()
  local buffer = M.make_buffer(page)
  M.window = vim.api.nvim_open_win(buffer, enter, get_config(page, title, range))
  vim.wo[M.window].wrap = true
  vim.wo[M.window].linebreak = true
  vim.bo[buffer].filetype = 'ail'
  for _, key in ipairs(keys) do
    vim.keymap.set('n', key[1], key[3], { buffer = buffer, nowait = true, desc = key[2] })
  end
  return M.window
end

--- Close the answer, if one is shown.
function M.close()
  if M.window and vim.api.nvim_win_is_valid(M.window) then
    vim.api.nvim_win_close(M.window, true)
  end
  M.window = nil
end

return M
