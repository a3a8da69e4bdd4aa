--- Citations as a quickfix list.
local safe = require('ail.safe')
local answer = require('ail.answer')
local wire = require('ail.wire')
local uv = require('ail.editor').uv
local M = {}

-- Neovim 0.7 cuts a line of the list at 1,025 bytes, in the middle of a character if need be.
local TEXT_MAX_BYTES, NAME_MAX_BYTES = 600, 300

local function first_sentence(text)
  local line = safe.to_line(text)
  return line:match('^(.-%.) ') or line
end

--- An entry: it leads to the file where that is still there, else it is text alone. `module` is what the list shows of the name:
--- the name itself may hold a control character.
local function make_entry(citation, root, file)
  local subject, excerpt = safe.to_line(wire.get(citation, 'subject')), first_sentence(wire.get(citation, 'excerpt'))
  local text = ('%s %s'):format(answer.shorten(citation.sha), subject)
  if excerpt ~= '' and excerpt ~= subject then
    text = text .. ' — ' .. excerpt
  end
  text = safe.cut(text, TEXT_MAX_BYTES)
  local path = wire.get(citation, 'path') or file
  if not path then
    return { text = text, valid = 0 }
  end
  local full = root .. '/' .. path
  if not uv.fs_stat(full) then
    return { text = ('%s: %s'):format(safe.cut(safe.to_path(path), NAME_MAX_BYTES), text), valid = 0 }
  end
  local line = wire.get(citation, 'line')
  return { filename = full, module = safe.cut(safe.to_path(path), NAME_MAX_BYTES), lnum = line or 1, col = 1, text = text }
end

--- Make the citations of `reply` the current quickfix list.
function M.set(reply)
  local items = {}
  for _, citation in ipairs(wire.get(reply, 'citations') or {}) do
    items[#items + 1] = make_entry(citation, wire.get(reply, 'repo') or '', wire.get(reply, 'file'))
  end
  local title = 'AIL: ' .. safe.to_line(wire.get(reply, 'question') or 'related')
  vim.fn.setqflist({}, ' ', { title = title, items = items })
  return #items
end

return M
