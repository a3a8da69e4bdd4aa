--- From a buffer to what the wire carries: a directory of the repository, and the file. The daemon finds the root itself.
local uv = require('ail.editor').uv
local M = {}

--- Resolve links in the part of `path` that exists, keep the rest: a deleted file's directory may be gone too.
local function resolve(path, rest, done)
  uv.fs_realpath(path, function(err, real)
    if not err then
      return done(real, rest)
    end
    local parent, name = path:match('^(.*)/([^/]+)/*$')
    if not parent then
      return done('/', rest)
    end
    resolve(parent == '' and '/' or parent, rest == '' and name or name .. '/' .. rest, done)
  end)
end

--- Whether the buffer shows a file of the disk: no terminal, help, list, and no scheme of another plugin.
local function shows_a_file(buffer, name)
  local kind = vim.bo[buffer].buftype
  return name ~= '' and (kind == '' or kind == 'acwrite') and not name:match('^%a[%w+.-]+://')
end

--- `done(place)` from a libuv callback. place.repo: an existing directory in the repository, links resolved;
--- place.below: the file's path from there; place.file: its absolute path. Both nil where the buffer shows no file:
--- then it is about the repository of the current directory.
function M.find(buffer, done)
  local name = vim.api.nvim_buf_get_name(buffer)
  if not shows_a_file(buffer, name) then
    return resolve(uv.cwd(), '', function(real) done({ repo = real }) end)
  end
  local directory, tail = name:match('^(.*)/([^/]*)$')
  resolve(directory == '' and '/' or directory, '', function(real, rest)
    local below = rest == '' and tail or rest .. '/' .. tail
    done({ repo = real, below = below, file = (real == '/' and '' or real) .. '/' .. below })
  end)
end

return M
