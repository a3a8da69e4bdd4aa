--- Where the daemon's socket lies: the rules of `ail_rpc.paths`, so that every program meets at one socket.
local uv = require('ail.editor').uv
local M = {}

local function is_macos()
  return uv.os_uname().sysname == 'Darwin'
end

M.SOCKET_PATH_MAX_BYTES = is_macos() and 103 or 107 -- sun_path has 104 or 108 with the closing NUL (unix(7))

local function is_absolute(path)
  return path:sub(1, 1) == '/'
end

local function is_own_directory(path)
  local found = is_absolute(path) and uv.fs_stat(path)
  return found and found.type == 'directory' and found.uid == uv.getuid()
end

local function state_dir()
  local named = uv.os_getenv('XDG_STATE_HOME') or ''
  if is_absolute(named) then
    return named .. '/ail'
  end
  local below = is_macos() and '/Library/Application Support' or '/.local/state'
  return (uv.os_getenv('HOME') or uv.os_homedir() or '') .. below .. '/ail'
end

--- Return the socket's path, or nil and an error: `named` (setup's `socket`), $AIL_SOCKET, the runtime directory, the state directory.
function M.get_socket(named)
  local given = named or uv.os_getenv('AIL_SOCKET') or ''
  if given ~= '' then
    local path = is_absolute(given) and given or uv.cwd() .. '/' .. given
    return M.check(path)
  end
  local runtime = uv.os_getenv('XDG_RUNTIME_DIR') or ''
  if is_own_directory(runtime) and #(runtime .. '/ail/ail.sock') <= M.SOCKET_PATH_MAX_BYTES then
    return runtime .. '/ail/ail.sock'
  end
  return M.check(state_dir() .. '/run/ail.sock')
end

function M.check(path)
  if #path <= M.SOCKET_PATH_MAX_BYTES then
    return path
  end
  return nil, { code = 30, message = 'the socket path has more than ' .. M.SOCKET_PATH_MAX_BYTES .. ' bytes: ' .. path, hint = 'set AIL_SOCKET to a shorter one' }
end

return M
