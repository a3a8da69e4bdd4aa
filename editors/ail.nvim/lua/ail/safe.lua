--- Text from commits, paths and errors, made safe for a buffer: the line that `ail_client.sanitise` draws, for Neovim.
---
--- Neovim shows control characters as ^X by itself, and still obeys bidi controls and hides zero-width characters. None of them
--- gets into a buffer: not into a yank, a search or another program either. What is no UTF-8 becomes \xNN.
local M = {}

local is_unprintable = require('ail.unprintable')

local LINE_MAX_BYTES = 2000 -- a commit may hold a line of 100 kB: laying it out would block the editor for a second
local BLOCK_MAX_LINES = 1000

--- Return the code point of the well-formed UTF-8 sequence that begins at `at`, and its length; nil where there is none.
local function decode(text, at)
  local first = text:byte(at)
  local length = first >= 0xf0 and 4 or first >= 0xe0 and 3 or first >= 0xc2 and 2 or 0
  if length == 0 or first > 0xf4 or at + length - 1 > #text then
    return nil
  end
  local code = first % (length == 2 and 32 or length == 3 and 16 or 8)
  for i = at + 1, at + length - 1 do
    local byte = text:byte(i)
    if byte < 0x80 or byte > 0xbf then
      return nil
    end
    code = code * 64 + byte % 64
  end
  local least = length == 2 and 0x80 or length == 3 and 0x800 or 0x10000
  if code < least or code > 0x10ffff or (code >= 0xd800 and code <= 0xdfff) then
    return nil
  end
  return code, length
end

local function escape(code)
  if code == 0xa0 or code == 0x3000 then
    return ' ' -- no-break and ideographic space: harmless, and common in prose
  end
  return code < 0x100 and ('\\x%02x'):format(code) or code < 0x10000 and ('\\u%04x'):format(code) or ('\\U%08x'):format(code)
end

--- Return `text` with everything unprintable visible.
function M.visible(text)
  if not text:find('[%z\1-\31\127-\255]') then
    return text
  end
  local out, at = {}, 1
  while at <= #text do
    local plain = text:match('^[\32-\126]+', at)
    if plain then
      out[#out + 1] = plain
      at = at + #plain
    else
      local byte = text:byte(at)
      local code, length = nil, 1
      if byte >= 0x80 then
        code, length = decode(text, at)
      end
      local piece
      if not code then
        piece = ('\\x%02x'):format(byte)
      elseif is_unprintable(code) then
        piece = escape(code)
      else
        piece = text:sub(at, at + length - 1)
      end
      out[#out + 1] = piece
      at = at + (code and length or 1)
    end
  end
  return table.concat(out)
end

--- Return the first `most` bytes of `text` (LINE_MAX_BYTES unless told), cut between characters.
local function cut(text, most)
  most = most or LINE_MAX_BYTES
  if #text <= most then
    return text
  end
  local last = most
  while last > most - 4 and (text:byte(last + 1) or 0) >= 0x80 and text:byte(last + 1) <= 0xbf do
    last = last - 1
  end
  return text:sub(1, last) .. ' …'
end

M.cut = cut

--- Return `text` on one line: runs of white space become one space.
function M.to_line(text)
  return M.visible(cut(vim.trim((tostring(text or ''):gsub('[ \t\r\n\f\v]+', ' ')))))
end

--- Return the lines of `text`, ended by \n or \r\n alone, tabs as spaces; no more and no longer ones than an editor bears.
function M.to_block(text)
  local lines = {}
  for line in (tostring(text or '') .. '\n'):gmatch('(.-)\n') do
    if #lines == BLOCK_MAX_LINES then
      lines[#lines + 1] = '…'
      break
    end
    lines[#lines + 1] = M.visible(cut((line:gsub('\r$', ''):gsub('\t', '    '))))
  end
  return lines
end

--- Return a path with every space kept: one less would name another file.
function M.to_path(path)
  return M.visible(path)
end

return M
