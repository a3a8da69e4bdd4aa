" Ask git history from Vim 8.1 or newer: source this file, or put it into ~/.vim/plugin.
"
"   :AilWhy why the retry?          about the cursor's line; without a question: why is this so?
"   :'<,'>AilWhy why the retry?     about the lines of the visual area
"
" The answer and how sure it is come in a popup beside the asked lines (Vim 8.2; before, they are said below) and stand at the head of the
" quickfix list, the citations behind them; nothing waits. Lines are those of the file on the disk: save first.
" Without this file, one line does the same, and waits:
"   :cexpr system('ail-client ask --format grep -- ' .. shellescape(expand('%') .. ':' .. line('.')) .. ' "why?"')

command! -nargs=* -range AilWhy call s:why(<line1>, <line2>, empty(<q-args>) ? 'why is this so?' : <q-args>)

function! s:why(first, last, question) abort
  let l:state = {'dir': expand('%:p:h'), 'title': 'AIL: ' .. a:question, 'lines': [], 'notes': [],
        \ 'window': win_getid(), 'buffer': bufnr('%'), 'first': a:first, 'last': a:last}
  let l:target = printf('./%s:%d-%d', expand('%:t'), a:first, a:last)
  let l:command = ['ail-client', 'ask', '--format', 'grep', '--', l:target, a:question]
  call job_start(l:command, {'cwd': l:state.dir, 'in_io': 'null',
        \ 'out_cb': {_, line -> add(l:state.lines, line)}, 'err_cb': {_, line -> add(l:state.notes, line)},
        \ 'close_cb': {_ -> s:show(l:state)}})
endfunction

" A line is `path:line:1: shortsha subject — sentence`, the path relative to the file's directory.
function! s:entry(dir, line) abort
  let l:parts = matchlist(a:line, '\v^(.{-}):(\d+):\d+: (\x{7,} .*)$')
  if empty(l:parts)
    return {'text': strcharpart(a:line, 0, 200), 'valid': 0}
  endif
  return {'filename': simplify(a:dir .. '/' .. l:parts[1]), 'module': strcharpart(l:parts[1], 0, 100),
        \ 'lnum': str2nr(l:parts[2]), 'col': 1, 'text': strcharpart(l:parts[3], 0, 200)}
endfunction

function! s:show(state) abort
  if empty(a:state.lines)
    echomsg 'AIL: ' .. join(a:state.notes, ' ')
    return
  endif
  let l:items = map(copy(a:state.notes), {_, note -> {'text': strcharpart(note, 0, 1000), 'valid': 0}})
  call extend(l:items, map(copy(a:state.lines), {_, line -> s:entry(a:state.dir, line)}))
  call setqflist([], ' ', {'title': a:state.title, 'items': l:items})
  if exists('#QuickFixCmdPost')
    silent doautocmd <nomodeline> QuickFixCmdPost AilWhy
  endif
  call s:pop_up(a:state)
  redraw
  echomsg s:shorten('AIL: ' .. get(a:state.notes, 0, '') .. ' (:copen)')
endfunction

" Show the answer below the asked lines, above them where only there is room; it goes when the cursor moves, and covers none of them.
function! s:pop_up(state) abort
  if empty(a:state.notes) || !exists('*popup_create') || win_getid() != a:state.window || bufnr('%') != a:state.buffer
    return
  endif
  let l:first = screenpos(a:state.window, a:state.first, 1).row
  let l:last = screenpos(a:state.window, a:state.last, 1).row
  if !l:first || !l:last
    return
  endif
  let l:text = map(copy(a:state.notes), {_, note -> strcharpart(note, 0, 1000)})
  let l:below = &lines - &cmdheight - l:last
  let l:is_below = l:below >= l:first - 1 || l:below >= 8
  call popup_create(l:text, {'line': l:is_below ? l:last + 1 : l:first - 1, 'col': 'cursor', 'pos': l:is_below ? 'topleft' : 'botleft',
        \ 'maxwidth': min([100, &columns - 4]), 'maxheight': max([1, (l:is_below ? l:below : l:first - 1) - 2]),
        \ 'wrap': 1, 'border': [], 'moved': 'any', 'title': ' AIL '})
endfunction

" What fits on the screen's last line: a longer message would ask for Enter.
function! s:shorten(text) abort
  let l:room = max([20, &columns - 12])
  return strchars(a:text) <= l:room ? a:text : strcharpart(a:text, 0, l:room - 10) .. '… (:copen)'
endfunction
