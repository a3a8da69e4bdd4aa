--- A reply as the lines of a float: what is shown, which citation each line belongs to, what is emphasised. Every word made safe.
local safe = require('ail.safe')
local get = require('ail.wire').get
local M = {}

local REASONS = {
  meaning = 'says something alike', words = 'has the words', touches_file = 'touches the file',
  touches_lines = 'touches these lines', named = 'is named in the question',
}
local RELATIONS = {
  reverts = 'is taken back', same_lines = 'last wrote these lines', tried_before = 'was tried before', similar = 'bears on this',
}
local CONFIDENCE = { { 0.8, 'very likely' }, { 0.6, 'likely' }, { 0.4, 'perhaps' }, { -1, 'a guess' } }
local LEAST_TOLD = 0.05
local MARKS = { { 'reverted_by', 'reverted by ' }, { 'replaced_by', 'replaced by ' } }

function M.shorten(sha)
  return safe.to_line(sha):sub(1, 10)
end

--- Break `text` at spaces into lines of at most `width` columns.
local function wrap(text, width, indent)
  if vim.fn.strdisplaywidth(text) <= width - #indent then
    return { indent .. text } -- as it is: spaces may be layout
  end
  local lines, line = {}, ''
  for word in text:gmatch('[^ ]+') do
    if line == '' then
      line = word
    elseif vim.fn.strdisplaywidth(line) + 1 + vim.fn.strdisplaywidth(word) > width - #indent then
      lines[#lines + 1] = indent .. line
      line = word
    else
      line = line .. ' ' .. word
    end
  end
  lines[#lines + 1] = indent .. line
  return lines
end

local function describe_confidence(confidence)
  for _, step in ipairs(CONFIDENCE) do
    if confidence >= step[1] and confidence < LEAST_TOLD then
      return ('(%s: below %d%%)'):format(step[2], LEAST_TOLD * 100)
    elseif confidence >= step[1] then
      return ('(%s: %d%%)'):format(step[2], math.floor(confidence * 100 + 0.5))
    end
  end
end

--- A page under construction: `add(text, group, citation)`.
local function new_page(width)
  local page = { lines = {}, groups = {}, citations = {} }
  function page.add(text, group, citation, indent)
    for _, line in ipairs(wrap(text, width, indent or '')) do
      page.lines[#page.lines + 1] = line
      page.groups[#page.lines] = group
      page.citations[#page.lines] = citation
    end
  end
  return page
end

--- Join lines that an author broke at his own width, so that ours breaks them anew; lists, code and short lines stay as they are.
local function reflow(lines)
  local joined, last = {}, ''
  for _, line in ipairs(lines) do
    if #last >= 50 and line:match('^%a') then
      joined[#joined] = joined[#joined] .. ' ' .. line
    elseif vim.trim(line) ~= '' then
      joined[#joined + 1] = line
    end
    last = line
  end
  return joined
end

local function add_reasons(page, citation)
  local reasons = {}
  for _, reason in ipairs(get(citation, 'reasons') or {}) do
    reasons[#reasons + 1] = REASONS[reason] or safe.to_line(reason)
  end
  for _, mark in ipairs(MARKS) do
    if get(citation, mark[1]) then
      page.add(mark[2] .. M.shorten(citation[mark[1]]), 'WarningMsg', citation, '   ')
    end
  end
  if #reasons > 0 then
    page.add(table.concat(reasons, ', '), 'Comment', citation, '   ')
  end
end

local COSMETIC = { reformatting = 'reformatting', spelling = 'correction of spelling' }

--- A commit of a timeline that changed no more than looks: one line.
local function add_cosmetic(page, citation)
  local kind = COSMETIC[citation.cosmetic] or safe.to_line(citation.cosmetic)
  page.add(('   %s: %s  %s'):format(kind, M.shorten(citation.sha), safe.to_line(get(citation, 'subject'))), 'Comment', citation)
end

local function add_citation(page, number, citation)
  local date = safe.to_line(get(citation, 'author_time')):sub(1, 10)
  if #page.lines > 0 then
    page.add('', nil, citation)
  end
  page.add(('%d. %s  %s  %s'):format(number, M.shorten(citation.sha), date, safe.to_line(get(citation, 'author'))), 'Identifier', citation)
  page.add(safe.to_line(get(citation, 'subject')), 'Title', citation, '   ')
  if get(citation, 'relation') then
    page.add(RELATIONS[citation.relation] or safe.to_line(citation.relation), 'Comment', citation, '   ')
  end
  if get(citation, 'path') then
    local line = get(citation, 'line')
    page.add(safe.to_path(citation.path) .. (line and ':' .. line or ''), 'Directory', citation, '   ')
  end
  local sentence = get(citation, 'sentence')
  local excerpt = get(citation, 'diff') and (sentence ~= '' and sentence or 'no reason is recorded') or get(citation, 'excerpt') or ''
  if excerpt ~= get(citation, 'subject') then
    for _, line in ipairs(reflow(safe.to_block(excerpt))) do
      page.add(line, nil, citation, '   | ')
    end
  end
  add_reasons(page, citation)
end

--- Which file usually changes too, in the reply of `related`.
local function add_companion(page, companion)
  local times = math.floor(companion.share * companion.of + 0.5)
  local beside = safe.to_path(get(companion, 'beside') or '')
  page.add(('%s usually changes with %s: %d of %d times'):format(safe.to_path(companion.path), beside, times, companion.of), 'WarningMsg')
end

--- What keeps the reply from being more: notes for people.
local function get_notes(reply, note)
  local notes = { note }
  if get(reply, 'degraded') then
    notes[#notes + 1] = safe.to_line(reply.degraded)
  end
  local index = get(reply, 'index')
  local pending = index and get(index, 'pending') or 0
  if not get(reply, 'degraded') and index and index.complete == false and pending > 0 then
    notes[#notes + 1] = ('%d commits are not searchable in full yet'):format(pending)
  end
  return notes
end

--- Return {lines, groups, citations}: the text, and by line number the highlight group and the citation.
function M.render(reply, width, note)
  local page = new_page(width)
  local citations = get(reply, 'citations') or {}
  local answer = get(reply, 'answer') or ''
  local companions = get(reply, 'companions') or {}
  if answer == '' and not citations[1] and not companions[1] then
    answer = get(reply, 'companions') and 'Nothing in the history bears on this.' or 'No evidence in the history.'
  elseif get(reply, 'outcome') == 'no_evidence' then
    answer = 'No evidence in the history that surely answers this. Nearest:'
  elseif get(reply, 'outcome') == 'no_reason_recorded' then
    answer = 'No reason is recorded. What was done: ' .. answer
  end
  for _, line in ipairs(answer ~= '' and safe.to_block(answer) or {}) do
    page.add(line)
  end
  if citations[1] and get(reply, 'confidence') and get(reply, 'outcome') == 'answered' then
    page.add(describe_confidence(reply.confidence), 'Comment')
  end
  for _, each in ipairs(get_notes(reply, note)) do
    page.add('note: ' .. each, 'WarningMsg')
  end
  for _, companion in ipairs(companions) do
    add_companion(page, companion)
  end
  for number, citation in ipairs(citations) do
    if get(citation, 'cosmetic') then
      add_cosmetic(page, citation)
    else
      add_citation(page, number, citation)
    end
  end
  return page
end

--- Return an error as a page.
function M.render_error(err, width)
  local page = new_page(width)
  for _, line in ipairs(safe.to_block(err.message)) do
    page.add(line, 'ErrorMsg')
  end
  if err.hint ~= '' then
    page.add('hint: ' .. safe.to_line(err.hint), 'Comment')
  end
  return page
end

return M
