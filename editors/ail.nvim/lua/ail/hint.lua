--- A hint at the end of the cursor's line: the commit that says most of why it is so. Off until it is switched on.
---
--- Asked when it is switched on and when the cursor has rested for REST_MS, never of a daemon that does not run, and never twice of the same line and text.
local answer = require('ail.answer')
local safe = require('ail.safe')
local wire = require('ail.wire')
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('ail_hint')
local LEAST_CONFIDENCE = 0.3
local TIMEOUT_S = 2
local REST_MS = 400 -- 'updatetime' is 4 s unless set: hints would seem dead
local group
local cancel_last = function() end
local known = {} -- buffer -> { tick = changedtick, [line] = text, false where history says nothing }

local function clear(buffer)
  if vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_clear_namespace(buffer, NAMESPACE, 0, -1)
  end
end

local function draw(buffer, line, text)
  clear(buffer)
  if text and vim.api.nvim_buf_is_valid(buffer) and line <= vim.api.nvim_buf_line_count(buffer) then
    vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, line - 1, 0, { virt_text = { { '  ' .. text, 'Comment' } }, hl_mode = 'combine' })
  end
end

local function describe(reply)
  local first = (wire.get(reply, 'citations') or {})[1]
  if not first or wire.get(reply, 'outcome') == 'no_evidence' or (wire.get(reply, 'confidence') or 0) < LEAST_CONFIDENCE then
    return false
  end
  local date = safe.to_line(wire.get(first, 'author_time')):sub(1, 10)
  return ('%s %s %s'):format(answer.shorten(first.sha), date, safe.to_line(wire.get(first, 'subject')))
end

local function remember(buffer, line, text)
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  if not known[buffer] or known[buffer].tick ~= tick then
    known[buffer] = { tick = tick }
  end
  known[buffer][line] = text
end

local function ask(buffer, line)
  local options = require('ail').options
  local quiet = { timeout_s = TIMEOUT_S, client = options.client, socket = options.socket, may_start = false }
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  require('ail.place').find(buffer, vim.schedule_wrap(function(where)
    if not where.file or not vim.api.nvim_buf_is_valid(buffer) then
      return
    end
    local params = { repo = where.repo, file = where.file, lines = { line, line }, question = require('ail').WHY, limit = 1, timeout = TIMEOUT_S }
    require('ail.lines').get_contents(buffer, function(contents, note)
      if note then
        return -- its lines cannot be told
      end
      params.contents = contents
      cancel_last()
      cancel_last = require('ail.daemon').request('ask', params, quiet, function(err, reply)
        if err or not vim.api.nvim_buf_is_valid(buffer) or vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
          return -- a hint that does not come is no error
        end
        remember(buffer, line, describe(reply))
        if vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_win_get_cursor(0)[1] == line then
          draw(buffer, line, known[buffer][line])
        end
      end)
    end)
  end))
end

local function show()
  local buffer, line = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1]
  local kept = known[buffer]
  if vim.bo[buffer].buftype ~= '' then
    return
  elseif kept and kept.tick == vim.api.nvim_buf_get_changedtick(buffer) and kept[line] ~= nil then
    draw(buffer, line, kept[line])
  else
    ask(buffer, line)
  end
end

local moves = 0

--- Show the hint once the cursor rests.
local function show_at_rest()
  moves = moves + 1
  local now = moves
  vim.defer_fn(function()
    if group and moves == now and vim.api.nvim_get_mode().mode == 'n' then
      show()
    end
  end, REST_MS)
end

--- Switch hints on (true), off (false), or over (nil).
function M.switch(on)
  if on == nil then
    on = group == nil
  end
  if group then
    vim.api.nvim_del_augroup_by_id(group)
    group, known = nil, {}
    cancel_last()
    vim.tbl_map(clear, vim.api.nvim_list_bufs())
  end
  if not on then
    return
  end
  group = vim.api.nvim_create_augroup('ail_hint', {})
  vim.api.nvim_create_autocmd('CursorHold', { group = group, callback = show })
  vim.api.nvim_create_autocmd({ 'CursorMoved', 'InsertEnter' }, { group = group, callback = function(event) clear(event.buf) end })
  vim.api.nvim_create_autocmd({ 'CursorMoved', 'InsertLeave', 'BufEnter' }, { group = group, callback = show_at_rest })
  vim.api.nvim_create_autocmd('BufWipeout', { group = group, callback = function(event) known[event.buf] = nil end })
  show()
end

return M
