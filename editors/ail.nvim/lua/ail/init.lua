--- AIL in Neovim: asks the daemon why code is as it is, and shows what history answers. See `:help ail`.
local answer = require('ail.answer')
local daemon = require('ail.daemon')
local float = require('ail.float')
local lines = require('ail.lines')
local place = require('ail.place')
local wire = require('ail.wire')
local M = {}

M.options = {
  timeout_s = 5, -- how long one answer may take; starting the daemon counts apart
  limit = 5, -- citations
  client = 'ail-client', -- what starts the daemon
  socket = nil, -- nil: $AIL_SOCKET, or the user's own
  may_start = true, -- whether a daemon is started where none runs
  hint = false, -- virtual text at the cursor's line
}

M.WHY = 'why is this so?' -- what is asked where nothing was
M.ASKING = 'asking …' -- the one message that `:messages` does not keep

local LOG_LIMIT = 50

local cancel_last = function() end

--- Change options; every one is optional. Raises an error for a name there is not.
function M.setup(options)
  for name, value in pairs(options or {}) do
    if M.options[name] == nil and name ~= 'socket' then
      error(('ail: there is no option %q; see :help ail-setup'):format(name), 2)
    end
    M.options[name] = value
  end
  require('ail.hint').switch(M.options.hint)
end

local function say(text)
  vim.api.nvim_echo({ { 'AIL: ' .. text } }, text ~= M.ASKING, {})
end

--- Where the question was asked: the answer takes the cursor only if nothing has changed since.
local function take_position()
  local window = vim.api.nvim_get_current_win()
  local at = { window, vim.api.nvim_win_get_buf(window), vim.api.nvim_win_get_cursor(window) }
  return function()
    local here = vim.api.nvim_get_current_win()
    local now = { here, vim.api.nvim_win_get_buf(here), vim.api.nvim_win_get_cursor(here) }
    return vim.deep_equal(at, now) and vim.api.nvim_get_mode().mode == 'n'
  end
end

local function show_error(err, is_unmoved)
  float.open(answer.render_error(err, float.get_width()), { { 'q', 'close', float.close } }, is_unmoved(), 'AIL')
end

--- Jump to where a citation touches the file, in the window the question was asked from.
local function go_to(citation, reply)
  local path = citation and wire.get(citation, 'path')
  if not path then
    return say('this commit names no place in the file')
  end
  float.close()
  local line = wire.get(citation, 'line') or 1
  vim.cmd('edit ' .. vim.fn.fnameescape(reply.repo .. '/' .. path))
  vim.api.nvim_win_set_cursor(0, { math.min(line, vim.api.nvim_buf_line_count(0)), 0 })
end

local function to_quickfix(reply)
  float.close()
  if require('ail.quickfix').set(reply) > 0 then
    vim.cmd('botright copen')
  end
end

local function get_keys(page, reply, repo)
  local function citation()
    return page.citations[vim.api.nvim_win_get_cursor(0)[1]]
  end
  local function move(step)
    local line, from = vim.api.nvim_win_get_cursor(0)[1], citation()
    repeat
      line = line + step
    until not page.lines[line] or (page.citations[line] ~= from and page.groups[line] == 'Identifier')
    if page.lines[line] then
      vim.api.nvim_win_set_cursor(0, { line, 0 })
    end
  end
  return {
    { 'q', 'close', float.close },
    { '<Esc>', 'close', float.close },
    { '<CR>', 'show the commit', function() if citation() then M.show(citation().sha, repo) end end },
    { 'gf', 'go to the place it touches', function() go_to(citation(), reply) end },
    { 'Q', 'citations to the quickfix list', function() to_quickfix(reply) end },
    { ']]', 'next commit', function() move(1) end },
    { '[[', 'previous commit', function() move(-1) end },
  }
end

--- Ask, then show the reply: in a float, or with `to_list` as a quickfix list.
local function ask_and_show(method, params, extra, is_unmoved)
  params.limit, params.timeout = extra.limit or M.options.limit, M.options.timeout_s
  cancel_last()
  cancel_last = daemon.request(method, params, M.options, function(err, reply)
    vim.api.nvim_echo({ { '' } }, false, {}) -- no longer asking
    if err then
      return show_error(err, is_unmoved)
    end
    if extra.to_list then
      if require('ail.quickfix').set(reply) == 0 then
        say('no evidence in the history')
      end
      return
    end
    local page = answer.render(reply, float.get_width(), extra.note)
    local keys = get_keys(page, reply, params.repo)
    local is_there = is_unmoved()
    float.open(page, keys, is_there, 'AIL', is_there and extra.range or nil)
  end)
end

--- Ask `question` (nil: WHY) about `range` of the current buffer, {first, last}; nil: about its file.
--- to_list: a quickfix list, no float.
function M.ask(question, range, to_list)
  local buffer, is_unmoved = vim.api.nvim_get_current_buf(), take_position()
  question = question or M.WHY
  say(M.ASKING)
  place.find(buffer, vim.schedule_wrap(function(where)
    local params = { repo = where.repo, question = question, file = where.file }
    if not (where.file and range) then
      return ask_and_show('ask', params, { to_list = to_list }, is_unmoved)
    end
    lines.get_contents(buffer, function(contents, note)
      params.lines, params.contents = range, contents
      ask_and_show('ask', params, { to_list = to_list, note = note, range = range }, is_unmoved)
    end)
  end))
end

--- Show the life of `range` of the current buffer, {first, last}: the commits that made its lines, the oldest first.
function M.log(range)
  local buffer, is_unmoved = vim.api.nvim_get_current_buf(), take_position()
  place.find(buffer, vim.schedule_wrap(function(where)
    if not (where.file and range) then
      return say('name lines of a file')
    end
    say(M.ASKING)
    lines.get_contents(buffer, function(contents, note)
      local params = { repo = where.repo, file = where.file, lines = range, contents = contents }
      ask_and_show('log', params, { note = note, range = range, limit = LOG_LIMIT }, is_unmoved)
    end)
  end))
end

--- Show the commits that bear on the current buffer's file, or (staged) on what is staged in the current directory's repository.
function M.related(staged, to_list)
  local is_unmoved = take_position()
  local function ask_about(params)
    ask_and_show('related', params, { to_list = to_list }, is_unmoved)
  end
  if not staged then
    return place.find(vim.api.nvim_get_current_buf(), vim.schedule_wrap(function(where)
      ask_about({ repo = where.repo, files = { where.file } })
    end))
  end
  local directory = vim.fn.getcwd()
  require('ail.git').read_staged(directory, function(diff)
    if not diff or diff == '' then
      return say(diff and 'nothing is staged' or 'git could not tell what is staged')
    end
    ask_about({ repo = directory, staged = diff })
  end)
end

--- Show a commit, named by its sha or a beginning of it, of the repository around `repo` (nil: the current buffer's).
function M.show(sha, repo)
  local is_unmoved = take_position()
  local function show(directory)
    daemon.request('show', { repo = directory, sha = sha }, M.options, function(err, commit)
      if err then
        return show_error(err, is_unmoved)
      end
      require('ail.commit').open(commit)
    end)
  end
  if repo then
    return show(repo)
  end
  place.find(vim.api.nvim_get_current_buf(), vim.schedule_wrap(function(where) show(where.repo) end))
end

return M
