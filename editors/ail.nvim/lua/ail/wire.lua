--- MessagePack-RPC frames (docs: "The socket" of the contract), and the errors that travel in them. No I/O.
local M = {}

M.PROTOCOL = 1
M.VERSION = '0.1.0'

local REPLY_MAX_BYTES = 16 * 1024 * 1024 -- `limit` is 5 by default and 100 at most; a reply has 10 kB

--- Return the bytes of a request. `params` is one map; without keys it is left out: an empty Lua table is an array.
function M.encode(id, method, params)
  return vim.mpack.encode({ 0, id, method, next(params) and { params } or {} })
end

--- Return a function that takes a chunk and calls `deliver(id, err, result)` for each reply that is complete.
--- It returns an error where the stream is none of ours; it is not to be called again then.
function M.new_reader(deliver)
  local unpacker, size_bytes = vim.mpack.Unpacker(), 0
  return function(chunk)
    size_bytes = size_bytes + #chunk
    local at = 1
    while at <= #chunk do
      local ok, message, after = pcall(unpacker, chunk, at)
      if not ok or size_bytes > REPLY_MAX_BYTES then
        return M.error(33, 'what answers at the socket is no daemon of AIL', 'see AIL_SOCKET')
      end
      at = after
      if message ~= nil then
        if type(message) ~= 'table' or message[1] ~= 1 or type(message[2]) ~= 'number' then
          return M.error(33, 'the daemon sent a frame that is no reply', 'see AIL_SOCKET')
        end
        deliver(message[2], M.parse_error(message[3]), message[4])
      end
    end
  end
end

--- Return an error as this plugin hands it on: a code of `ail_rpc.errors`, what happened, what to do.
function M.error(code, message, hint)
  return { code = code, message = message, hint = hint or '' }
end

--- Return the error that a reply carries, nil where it carries none.
function M.parse_error(wire)
  if wire == nil or wire == vim.NIL then
    return nil
  end
  if type(wire) ~= 'table' or type(wire[1]) ~= 'number' or type(wire[2]) ~= 'string' then
    return M.error(33, 'the daemon sent an error of unknown form')
  end
  local hint = type(wire[3]) == 'table' and wire[3].hint
  return M.error(wire[1], wire[2], type(hint) == 'string' and hint or '')
end

--- Return `value[key]`, nil for nil as the wire has it.
function M.get(value, key)
  local found = value[key]
  if found == vim.NIL then
    return nil
  end
  return found
end

return M
