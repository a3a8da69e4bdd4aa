--- Which lines of HEAD the lines of a buffer are. Blame reads HEAD; a buffer may be unsaved, and the disk ahead of HEAD.
---
--- git prints HEAD's text in a process, a thread compares it with the buffer's: what blocks the editor is copying the buffer.
local git = require('ail.git')
local uv = require('ail.editor').uv
local M = {}

local BUFFER_MAX_BYTES = 300000 -- copying this many blocks the editor for 1 to 2 ms; beyond, lines are taken as they stand

M.NOT_COMMITTED = 'these lines are not committed yet: asked about the whole file'
M.NO_FILE = 'the file is not in HEAD: asked about all of its history'
M.AS_THEY_STAND = 'lines are counted as they stand in the buffer: they could not be compared with HEAD'

--- Runs in a thread, with a Lua state of its own: no upvalues. Returns hunks as MessagePack, nil where they differ too much to say.
local function compare(head, buffer)
  local diff = (vim.text and vim.text.diff) or vim.diff
  local ok, packed = pcall(function() return vim.mpack.encode(diff((head:gsub('\r\n', '\n')), buffer, { result_type = 'indices' })) end)
  return ok and packed or nil
end

--- Return the line that `line` of one side is on the other, nil where it is on one side alone. from, to: 1 HEAD, 3 the buffer.
function M.map(hunks, line, from, to)
  local shift = 0
  for _, hunk in ipairs(hunks) do
    local start, count, other, others = hunk[from], hunk[from + 1], hunk[to], hunk[to + 1]
    if line < start or (count == 0 and line <= start) then
      break -- a hunk of no lines stands behind the line it names
    end
    if line < start + count then
      return others > 0 and other + math.min(line - start, others - 1) or nil
    end
    shift = shift + others - count
  end
  return line + shift
end

local function map_range(hunks, range)
  local first, last
  for line = range[1], range[2] do
    local found = M.map(hunks, line, 3, 1)
    first, last = first or found, found or last
  end
  return first and { math.min(first, last), math.max(first, last) } or nil
end

local function get_text(buffer)
  local count = vim.api.nvim_buf_line_count(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) or vim.api.nvim_buf_get_offset(buffer, count) > BUFFER_MAX_BYTES then
    return nil
  end
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') .. '\n'
end

--- `done(range, note, hunks)` on the main loop: the lines of HEAD (nil: ask about the file), a note where that is not all
--- that was asked for, and how the two differ (nil where unknown).
function M.find(buffer, place, range, done)
  local text = get_text(buffer)
  if not text then
    return done(range, M.AS_THEY_STAND, nil)
  end
  git.read_head(place.repo, place.below, function(status, head)
    if status == 128 then -- no such path, or no HEAD yet
      return done(nil, M.NO_FILE, nil)
    end
    if status ~= 0 then
      return done(range, M.AS_THEY_STAND, nil)
    end
    uv.new_work(compare, vim.schedule_wrap(function(packed)
      if not packed then
        return done(range, M.AS_THEY_STAND, nil)
      end
      local hunks = vim.mpack.decode(packed)
      local found = map_range(hunks, range)
      done(found, not found and M.NOT_COMMITTED or nil, hunks)
    end)):queue(head, text)
  end)
end

return M
