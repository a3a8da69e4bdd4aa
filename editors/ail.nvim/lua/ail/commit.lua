--- One commit, as the index knows it, in a scratch buffer. No `git show`: nothing that a repository configures is run.
local answer = require('ail.answer')
local float = require('ail.float')
local safe = require('ail.safe')
local wire = require('ail.wire')
local M = {}

local PATHS_SHOWN = 200

--- Return the reply of `show` as a page, laid out as git does: the `git` syntax colours it.
function M.render(commit)
  local lines = {
    'commit ' .. safe.to_line(commit.sha),
    ('Author: %s <%s>'):format(safe.to_line(wire.get(commit, 'author')), safe.to_line(wire.get(commit, 'email'))),
    'Date:   ' .. safe.to_line(wire.get(commit, 'author_time')),
  }
  for _, mark in ipairs({ { 'reverted_by', 'Reverted by: ' }, { 'replaced_by', 'Replaced by: ' } }) do
    if wire.get(commit, mark[1]) then
      lines[#lines + 1] = mark[2] .. answer.shorten(commit[mark[1]])
    end
  end
  lines[#lines + 1] = ''
  for _, line in ipairs(safe.to_block((wire.get(commit, 'message') or ''):gsub('\n+$', ''))) do
    lines[#lines + 1] = ('    ' .. line):gsub('%s+$', '')
  end
  lines[#lines + 1] = ''
  local paths = wire.get(commit, 'paths') or {}
  for i = 1, math.min(#paths, PATHS_SHOWN) do
    lines[#lines + 1] = '    ' .. safe.to_path(paths[i])
  end
  if #paths > PATHS_SHOWN then
    lines[#lines + 1] = ('    and %d more'):format(#paths - PATHS_SHOWN)
  end
  return { lines = lines, groups = {} }
end

--- Show the reply of `show` in a split of its own; `q` closes it.
function M.open(commit)
  float.close()
  local buffer = float.make_buffer(M.render(commit))
  vim.cmd('botright split')
  vim.api.nvim_win_set_buf(0, buffer)
  vim.bo[buffer].filetype = 'git'
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buffer, nowait = true, desc = 'close' })
  return buffer
end

return M
