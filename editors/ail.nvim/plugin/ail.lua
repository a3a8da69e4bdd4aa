-- The commands. What they do is loaded when one is used.
if vim.g.loaded_ail then
  return
end
vim.g.loaded_ail = true
if vim.fn.has('nvim-0.7') == 0 then
  vim.api.nvim_err_writeln('ail: Neovim 0.7 or newer is needed')
  return
end

--- The lines a command is about: those of its range, else the cursor's; all of them (:%Ail) mean the file.
local function get_range(command)
  if command.range == 0 then
    local line = math.max(vim.api.nvim_win_get_cursor(0)[1], 1) -- 0 while Neovim starts: nvim -c Ail FILE
    return { line, line }
  end
  if command.line1 == 1 and command.line2 == vim.api.nvim_buf_line_count(0) then
    return nil
  end
  return { command.line1, command.line2 }
end

local define = vim.api.nvim_create_user_command

define('Ail', function(command)
  local question = vim.trim(command.args)
  require('ail').ask(question ~= '' and question or nil, get_range(command), command.bang)
end, { nargs = '*', range = true, bang = true, desc = 'Ask history about the lines; with ! into the quickfix list' })

define('AilLog', function(command)
  require('ail').log(get_range(command))
end, { range = true, desc = 'The life of the lines: the commits that made them, oldest first' })

define('AilRelated', function(command)
  require('ail').related(command.args == 'staged', command.bang)
end, {
  nargs = '?', bang = true, complete = function() return { 'staged' } end,
  desc = 'Commits that bear on this file, or on what is staged; with ! into the quickfix list',
})

define('AilShow', function(command) require('ail').show(vim.trim(command.args)) end, { nargs = 1, desc = 'Show a commit' })

define('AilHint', function(command)
  require('ail.hint').switch(({ on = true, off = false })[command.args])
end, { nargs = '?', complete = function() return { 'on', 'off' } end, desc = 'Switch hints on, off, or over' })
