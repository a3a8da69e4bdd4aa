--- One request to the daemon: connect, `hello` and the request in one write, the reply. Never blocks, never starts anything.
---
--- A connection of its own for each question costs 0.1 ms, and a question that is given up is ended by closing it.
--- The peer's uid cannot be asked through libuv: the socket's directory must be this user's alone instead, as the client checks too.
local uv = require('ail.editor').uv
local wire = require('ail.wire')
local M = {}

local HELLO, REQUEST = 1, 2
local HELLO_LIMIT_MS = 1500 -- a living daemon answers `hello` at once; a stopped one must be told from it within 2 s
local S_IFMT, S_IFDIR = 0xf000, 0x4000

--- Why no daemon can be asked there: an error, nil where one may listen. `kind` "nobody" means that one may be started.
local function check_directory(path, done)
  local directory = path:match('^(.*)/[^/]*$')
  uv.fs_lstat(directory == '' and '/' or directory, function(err, found)
    if err then
      return done({ kind = 'nobody', code = 30, message = 'no daemon listens at ' .. path, hint = '' })
    end
    local is_ours = found.uid == uv.getuid() and bit.band(found.mode, S_IFMT) == S_IFDIR and bit.band(found.mode, 63) == 0
    done(not is_ours and wire.error(30, directory .. " is not this user's alone", 'set AIL_SOCKET to a path in such a directory') or nil)
  end)
end

--- Turn libuv's error of connect into ours.
local function translate(err, path)
  if err:match('^ENOENT') or err:match('^ECONNREFUSED') then
    return { kind = 'nobody', code = 30, message = 'no daemon listens at ' .. path, hint = '`ail-client status` starts one' }
  end
  if err:match('^EAGAIN') then
    return { kind = 'busy', code = 31, message = 'the daemon takes no more connections just now', hint = 'try again in a moment' }
  end
  return wire.error(30, 'the socket ' .. path .. ' cannot be used: ' .. err, 'see AIL_SOCKET')
end

local function numbers(version)
  local parts = {}
  for number in tostring(version):gmatch('%d+') do
    parts[#parts + 1] = ('%09d'):format(number:sub(1, 9))
  end
  return table.concat(parts, '.')
end

--- Why the daemon that said `hello` does not fit: an error, nil where it does.
local function check_hello(err, hello)
  if err and err.code ~= 2 then -- 2: it refuses the words of our `hello`, and so is of another version
    return err
  end
  if err or type(hello) ~= 'table' or type(hello.protocol) ~= 'number' then
    return { kind = 'older', code = 32, message = 'the daemon does not understand this plugin', hint = '`ail-client stop` ends it' }
  end
  if hello.protocol ~= wire.PROTOCOL then
    local kind = hello.protocol < wire.PROTOCOL and 'older' or nil
    local said = ('the daemon speaks protocol %d, this plugin %d'):format(hello.protocol, wire.PROTOCOL)
    return { kind = kind, code = 32, message = said, hint = 'update ' .. (kind and 'AIL' or 'the plugin') }
  end
  if numbers(hello.version) < numbers(wire.VERSION) then
    return { kind = 'older', code = 32, message = 'the daemon is older than this plugin', hint = '`ail-client stop` ends it' }
  end
end

--- Ask the daemon at `path`; `done(err, result)` is called once, from a libuv callback. Returns what gives the question up:
--- after it was called, `done` never is.
function M.exchange(path, method, params, timeout_ms, done)
  local pipe, timer = uv.new_pipe(false), uv.new_timer()
  local is_over = false
  local function close()
    if is_over then
      return false
    end
    is_over = true
    timer:close()
    pipe:close()
    return true
  end
  local function finish(err, result)
    if close() then
      done(err, result)
    end
  end
  local deadline = uv.now() + timeout_ms
  local function wait(limit_ms, err)
    timer:start(limit_ms, 0, function() finish(err) end)
  end
  local out_of_time = wire.error(4, ('no answer within %g s'):format(timeout_ms / 1000), 'ask again, or allow more: setup{ timeout_s = … }')

  local read = wire.new_reader(function(id, err, result)
    if id == HELLO then
      local misfit = check_hello(err, result)
      if misfit then
        return finish(misfit)
      end
      wait(math.max(deadline - uv.now(), 1), out_of_time)
    elseif id == REQUEST then
      finish(err, result)
    else
      finish(err or wire.error(33, 'the daemon answered what was not asked'))
    end
  end)

  local function send()
    pipe:read_start(function(err, chunk)
      if err or not chunk then
        return finish({ kind = 'hung_up', code = 30, message = 'the daemon closed the connection before it answered', hint = 'ask again' })
      end
      local broken = not is_over and read(chunk)
      if broken then
        finish(broken)
      end
    end)
    pipe:write(wire.encode(HELLO, 'hello', { protocol = wire.PROTOCOL, version = wire.VERSION })
      .. wire.encode(REQUEST, method, params))
    if timeout_ms > HELLO_LIMIT_MS then
      wait(HELLO_LIMIT_MS, wire.error(30, 'the daemon took the connection and said nothing for 1.5 s',
        'it may be stopped (SIGSTOP) or stuck: let it continue, or end it and ask again'))
    end
  end

  wait(timeout_ms, out_of_time)
  check_directory(path, function(foreign)
    if is_over then
      return
    end
    if foreign then
      return finish(foreign)
    end
    pipe:connect(path, function(err)
      if is_over then
        return
      end
      if err then
        return finish(translate(err, path))
      end
      send()
    end)
  end)
  return close
end

return M
