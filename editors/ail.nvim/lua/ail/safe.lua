--- Text from commits, paths and errors, made safe for a buffer: the line that `ail_client.sanitise` draws, for Neovim.
---
--- Neovim shows control characters as ^X by itself, and still obeys bidi controls and hides zero-width characters. None of them
--- gets into a buffer: not into a yank, a search or another program either. What is no UTF-8 becomes \xNN.
local M = {}

--- Code points that are control, format, separator or private characters: Unicode's C*, Zl, Zp, and Zs but for the plain space.
local HIDDEN = {
  { 0x80, 0x9f }, { 0xad, 0xad }, { 0x600, 0x605 }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x890, 0x891 },
  { 0x8e2, 0x8e2 }, { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
  { 0xd800, 0xf8ff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0x110bd, 0x110bd },
  { 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
  { 0xf0000, 0x10ffff },
}

local function is_hidden(code)
  for _, range in ipairs(HIDDEN) do
    if code < range[1] then
      return false
    end
    if code <= range[2] then
      return true
    end
  end
  return false
end

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
      elseif is_hidden(code) or code == 0xa0 or code == 0x3000 then
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

--- Return `text` on one line: runs of white space become one space.
function M.to_line(text)
  return M.visible(vim.trim((tostring(text or ''):gsub('[ \t\r\n\f\v]+', ' '))))
end

--- Return the lines of `text`, ended by \n or \r\n alone, tabs as spaces.
function M.to_block(text)
  local lines = {}
  for line in (tostring(text or '') .. '\n'):gmatch('(.-)\n') do
    lines[#lines + 1] = M.visible((line:gsub('\r$', ''):gsub('\t', '    ')))
  end
  return lines
end

--- Return a path with every space kept: one less would name another file.
function M.to_path(path)
  return M.visible(path)
end

return M
