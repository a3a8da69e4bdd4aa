--- `:checkhealth ail`: what works here, what does not, what to do. The one place that waits.
local editor = require('ail.editor')
local M = {}

local WAIT_MS = 3000

--- Neovim's reporters: renamed in 0.10.
local function get_reporter(name)
  local health = vim.health or require('health')
  return health[name] or health['report_' .. name]
end

local start, ok, warn, fail, info =
  get_reporter('start'), get_reporter('ok'), get_reporter('warn'), get_reporter('error'), get_reporter('info')

local function check_editor()
  start('ail: Neovim')
  if vim.fn.has('nvim-0.7') == 0 then
    return fail('older than 0.7: the commands are not there', { 'update Neovim' })
  end
  ok(('Neovim %s'):format(tostring(vim.version and ('%d.%d.%d'):format(vim.version().major, vim.version().minor, vim.version().patch))))
  if not editor.has_float_title then
    info('older than 0.9: the float has no title in its border; nothing else is missing')
  end
  if editor.diff then
    ok('lines of unsaved buffers are found in HEAD (vim.diff)')
  else
    warn('no vim.diff: lines are taken as they stand in the buffer')
  end
  if vim.fn.executable('git') == 0 then
    warn('git is not on PATH: lines are taken as they stand in the buffer')
  end
end

local function check_client(options)
  start('ail: programs')
  if vim.fn.executable(options.client) == 1 then
    ok(options.client .. ': ' .. vim.fn.exepath(options.client))
  else
    warn(options.client .. ' is not on PATH: a daemon that does not run cannot be started from here',
      { 'pip install archaeological-intelligence', "require('ail').setup{ client = '/path/to/ail-client' }" })
  end
end

local function wait_for(method, params, options)
  local done, err, result
  local quiet = vim.tbl_extend('force', options, { may_start = false, timeout_s = WAIT_MS / 1000 })
  require('ail.daemon').request(method, params, quiet, function(e, r) done, err, result = true, e, r end)
  vim.wait(WAIT_MS + 500, function() return done end, 10)
  return err or (not done and { message = 'no reply', hint = '' }) or nil, result
end

local function check_daemon(options)
  start('ail: daemon')
  local path, wrong = require('ail.paths').get_socket(options.socket)
  if wrong then
    return fail(wrong.message, { wrong.hint })
  end
  info('socket: ' .. require('ail.safe').to_path(path))
  local err, status = wait_for('status', {}, options)
  if err then
    return (err.kind == 'nobody' and warn or fail)(err.message, { err.hint })
  end
  ok(('version %s, pid %d'):format(tostring(status.version), status.pid))
  local is_absent = status.model == nil or status.model == vim.NIL
  if is_absent and status.no_model == 'model loading' then
    info('the model is being loaded')
  elseif is_absent and status.no_model == 'the model is being prepared' then
    info('the model is being prepared: words alone until then')
  elseif is_absent then
    warn('no model: questions are answered by words alone', { 'ail-daemon model prepare' })
  end
  local repos = status.repos or {}
  if #repos == 0 then
    warn('no repository has been added', { 'ail-client add DIR' })
  else
    ok(('%d repositories are enrolled'):format(#repos))
  end
end

function M.check()
  local options = require('ail').options
  check_editor()
  check_client(options)
  check_daemon(options)
end

return M
